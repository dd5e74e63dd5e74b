//! The program itself: flags, health, metrics, and how it ends.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::cluster::{Cluster, shown};

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_herald-controller"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for name in ["KUBECONFIG", "HERALD_NAMESPACE", "HERALD_POD_NAME", "KUBERNETES_SERVICE_HOST"] {
        command.env_remove(name);
    }
    // A kubeconfig of whoever runs the tests is none of theirs.
    command.env("HOME", "/nonexistent");
    command
}

fn end(arguments: &[&str]) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = program(arguments).output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

/// An address on which nobody listened a moment ago.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Status line and body.
fn get(address: SocketAddr, path: &str) -> Option<(String, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.lines().next()?.to_owned(), body.to_owned()))
}

/// Ends the program whatever the test does.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_wrong_flag_is_one_line_that_names_it() {
    for (arguments, flag, value) in [
        (["--log-level", "loud"], "--log-level", "loud"),
        (["--health-bind-address", "here"], "--health-bind-address", "here"),
        (["--metrics-bind-address", ":99999"], "--metrics-bind-address", ":99999"),
        (["--leader-elect-renew-deadline", "20s"], "--leader-elect-renew-deadline", "20s"),
        (["--leader-elect-retry-period", "soon"], "--leader-elect-retry-period", "soon"),
        (["--kubeconfig", "/nonexistent/file"], "--kubeconfig", "/nonexistent/file"),
    ] {
        let (code, text) = end(&arguments);
        assert!(code.is_some_and(|code| code != 0), "{text}");
        assert!(text.contains(flag) && text.contains(value), "{text}");
        assert_eq!(text.trim().lines().count(), 1, "{text}");
    }
}

/// A replica with elections that a test can wait for.
fn replica(kubeconfig: &str) -> (Running, SocketAddr) {
    let [health, metrics] = [free_address(), free_address()];
    let running = program(&[
        "--kubeconfig",
        kubeconfig,
        &format!("--health-bind-address={health}"),
        &format!("--metrics-bind-address={metrics}"),
        "--leader-elect-lease-duration=3s",
        "--leader-elect-renew-deadline=2s",
        "--leader-elect-retry-period=300ms",
        "--log-level=none",
    ]);
    let mut running = running;
    (Running(running.stderr(Stdio::null()).spawn().unwrap()), metrics)
}

async fn until_leads(metrics: SocketAddr, leads: u8) {
    let wanted = format!("herald_controller_leading {leads}");
    let found = async {
        while !get(metrics, "/metrics").is_some_and(|(_, text)| text.contains(&wanted)) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), found).await.unwrap_or_else(|_| panic!("never {wanted}"));
}

fn signal(running: &Running, name: &str) {
    let sent = Command::new("kill").arg(name).arg(running.0.id().to_string()).status().unwrap();
    assert!(sent.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_was_stopped_and_wakes_up_writes_nothing() {
    let cluster = Cluster::start().await;
    cluster.create_pool("p", &["192.0.2.0/24", "198.51.100.0/24"]).await;
    let file = std::env::temp_dir().join(format!("herald-controller-stop-{}", std::process::id()));
    std::fs::write(&file, cluster.kubeconfig()).unwrap();
    let (first, first_metrics) = replica(file.to_str().unwrap());
    until_leads(first_metrics, 1).await;
    let (_second, second_metrics) = replica(file.to_str().unwrap());
    until_leads(second_metrics, 0).await;

    // Stopped in the middle of a burst, with requests under way.
    for number in 0..150 {
        cluster.create(&format!("a-{number}"), json!({})).await;
        if number == 100 {
            signal(&first, "-STOP");
        }
    }
    until_leads(second_metrics, 1).await;
    for number in 0..150 {
        cluster.create(&format!("b-{number}"), json!({})).await;
    }
    let all = (0..150).flat_map(|number| [format!("a-{number}"), format!("b-{number}")]);
    let mut served = Vec::new();
    for name in all {
        cluster.until(&name, |service| !shown(service).is_empty()).await;
        served.push(cluster.until_told(&name).await);
    }
    let addresses: std::collections::BTreeSet<_> = served.iter().map(shown).collect();
    assert_eq!(addresses.len(), 300, "each has one of its own");

    signal(&first, "-CONT");
    until_leads(first_metrics, 0).await;
    // It has heard of everything that happened meanwhile, and had its chance.
    cluster.create("one-more", json!({})).await;
    cluster.until("one-more", |service| !shown(service).is_empty()).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    for before in &served {
        let name = before.metadata.name.as_deref().unwrap();
        let now = cluster.services.get(name).await.unwrap();
        assert_eq!(shown(&now), shown(before), "{name}");
        assert_eq!(now.metadata.resource_version, before.metadata.resource_version, "{name} was written again");
    }
    until_leads(second_metrics, 1).await;
    std::fs::remove_file(file).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_gets_ready_serves_and_ends_in_order() {
    let cluster = Cluster::start().await;
    cluster.create_pool("p", &["192.0.2.0/28"]).await;
    let file = std::env::temp_dir().join(format!("herald-controller-test-{}", std::process::id()));
    std::fs::write(&file, cluster.kubeconfig()).unwrap();
    let [health, metrics] = [free_address(), free_address()];
    let arguments = [
        "--kubeconfig".to_owned(),
        file.display().to_string(),
        format!("--health-bind-address={health}"),
        format!("--metrics-bind-address={metrics}"),
        "--log-format=json".to_owned(),
    ];
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let mut running = Running(program(&arguments).spawn().unwrap());

    cluster.create("web", json!({})).await;
    cluster.until_shows("web", "192.0.2.0").await;
    assert!(get(health, "/readyz").is_some_and(|(status, _)| status.contains("200")));
    assert!(get(health, "/healthz").is_some_and(|(status, _)| status.contains("200")));
    let (_, text) = get(metrics, "/metrics").unwrap();
    assert!(text.contains("metallb_allocator_addresses_total{pool=\"p\"} 16"), "{text}");
    assert!(text.contains("metallb_allocator_addresses_in_use_total{pool=\"p\"} 1"), "{text}");

    let asked = Command::new("kill").arg("-TERM").arg(running.0.id().to_string()).status().unwrap();
    assert!(asked.success());
    let status = tokio::task::spawn_blocking(move || {
        let status = running.0.wait();
        let mut log = String::new();
        running.0.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        (status, log)
    });
    let (status, log) = tokio::time::timeout(Duration::from_secs(20), status).await.unwrap().unwrap();
    assert_eq!(status.unwrap().code(), Some(0), "{log}");
    assert!(log.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{log}");
    // The Event was flushed before the end.
    assert_eq!(cluster.until_events("web", 1).await, ["IPAllocated: Assigned IP [\"192.0.2.0\"]"]);
    std::fs::remove_file(file).unwrap();
}
