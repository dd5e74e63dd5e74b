//! The lab's network without Kubernetes: what the other suites rely on.

use std::time::Duration;

use anyhow::Result;
use herald_lab::probe::{ConnectProbe, NeighborProbe, StreamProbe, http, stream::Fate};
use herald_lab::program::{Invocation, Program};
use herald_lab::topology::address::PodAddresses;
use herald_lab::topology::{Size, Topology, leftovers};
use herald_lab::wire::{Capture, Direction, Operation};
use herald_lab::{clock, place};

const PATIENCE: Duration = Duration::from_secs(5);

/// Starts a pod on node `node` of the lab, straight from its parts.
fn start_pod(lab: &Topology, node: u8) -> Result<(Program, PodAddresses)> {
    let (namespace, addresses) = lab.pod_network().add(node, 1)?;
    let name = format!("web-{node}");
    let log = place::labs_dir()?.join(lab.id()).join(format!("{name}.log"));
    let args = ["pod", "--name", &name, "--node", &format!("node{node}")];
    let pod = Program::start(
        &namespace,
        &Invocation {
            name: name.clone(),
            program: place::program("herald-lab")?,
            args: args.map(Into::into).to_vec(),
            env: Vec::new(),
            log,
        },
    )?;
    Ok((pod, addresses))
}

#[test]
fn clients_notice_a_silent_loss_and_nothing_else() -> Result<()> {
    let lab = Topology::create(Size { nodes: 2, clients: 2 })?;
    let capture = Capture::start(lab.switch())?;
    let [node1, _] = lab.nodes() else { panic!("two nodes") };
    let [_, client2] = lab.clients() else { panic!("two clients") };

    // The kernel answers for a node's own address, which is all a probe needs.
    let started = clock::now();
    let probe = NeighborProbe::start(client2, node1.station.v4())?;
    let answer = probe.wait_for(started, PATIENCE, |_| true)?;
    assert_eq!(answer.mac, node1.station.mac());
    assert_eq!(lab.node_by_mac(answer.mac).map(|node| node.name.as_str()), Some("node1"));
    probe.wait_for(started, PATIENCE, |answer| answer.round >= 10)?;

    let cut = clock::now();
    lab.switch().cut("node1")?;
    let silent = clock::now();
    std::thread::sleep(Duration::from_millis(300));
    let healed = clock::now();
    lab.switch().heal("node1")?;
    probe.wait_for(healed, PATIENCE, |_| true)?;
    let record = probe.stop()?;
    let silence = record.longest_silence(cut, clock::now());
    assert!(silence >= Duration::from_millis(280), "the cut was silent: {silence:?}");
    assert!(silence < Duration::from_secs(3), "and ended with it: {silence:?}");
    assert_eq!(record.two_owners(started), Duration::ZERO);

    // The wire shows the question delivered to both nodes, the answer to one.
    let asked = |s: &&herald_lab::wire::Sighting| {
        s.frame.operation == Operation::Request && s.direction == Direction::ToMachine
    };
    let seen = capture.seen();
    assert!(seen.iter().filter(asked).any(|s| s.machine == "node2"), "broadcast");
    assert!(capture.claims_sent_by("node1", node1.station.v4(), started).len() > 5);
    assert!(
        capture.claims_seen_by("client2", node1.station.v4(), silent).iter().all(|s| s.at >= healed),
        "nothing passed while it was cut off"
    );
    Ok(())
}

#[test]
fn pods_answer_clients_and_probes_count() -> Result<()> {
    let lab = Topology::create(Size { nodes: 2, clients: 1 })?;
    let (pod, PodAddresses { v4: address, v6 }) = start_pod(&lab, 1)?;
    let [node1, node2] = lab.nodes() else { panic!("two nodes") };

    // A node reaches its own pod and, by way of the other node, any pod.
    let deadline = clock::now() + PATIENCE;
    let page = loop {
        match http::get(node1, address, 80, PATIENCE) {
            Ok(page) => break page,
            Err(error) if clock::now() > deadline => return Err(error),
            Err(_) => std::thread::sleep(Duration::from_millis(10)),
        }
    };
    assert_eq!((page.pod.as_str(), page.node.as_str()), ("web-1", "node1"));
    let page = http::get(node2, address, 80, PATIENCE)?;
    assert_eq!(page.client, "192.168.1.12");
    let page = http::get(node2, v6, 80, PATIENCE)?;
    assert_eq!((page.pod.as_str(), page.client.as_str()), ("web-1", "fd00:1::12"));
    assert!(pod.resident_bytes()? > 0);

    let streams = StreamProbe::start(node2, address, 80, 2)?;
    let probe = ConnectProbe::start(node2, address, 80)?;
    let started = clock::now();
    std::thread::sleep(Duration::from_millis(400));
    let cut = clock::now();
    lab.switch().cut("node1")?;
    std::thread::sleep(Duration::from_millis(200));
    lab.switch().heal("node1")?;
    let healed = clock::now();
    std::thread::sleep(Duration::from_millis(400));
    assert!(streams.fates().iter().all(|fate| matches!(fate, Fate::Alive { .. })), "TCP repairs it");
    let record = probe.stop()?;
    assert_eq!(record.lost(healed), 0);
    assert!(record.lost(cut) > 20, "{} lost", record.lost(cut));
    assert!(record.sent(started) > 200, "{} sent", record.sent(started));
    let silence = record.longest_silence(started);
    assert!((Duration::from_millis(190)..Duration::from_millis(400)).contains(&silence), "{silence:?}");

    pod.kill()?;
    assert!(pod.resident_bytes().is_err());
    Ok(())
}

#[test]
fn nothing_is_left_of_a_dropped_lab() -> Result<()> {
    let lab = Topology::create(Size { nodes: 1, clients: 0 })?;
    let id = lab.id().to_owned();
    let (pod, _) = start_pod(&lab, 1)?;
    let namespaces = leftovers::namespaces_of(&id)?;
    assert_eq!(namespaces.len(), 4, "switch, cp, node1, pod: {namespaces:?}");
    assert_eq!(leftovers::processes_in(&namespaces)?.len(), 1);
    drop(lab);
    assert_eq!(leftovers::namespaces_of(&id)?, Vec::<String>::new());
    assert!(pod.ended()?.is_some(), "the pod ended with its namespace");
    Ok(())
}
