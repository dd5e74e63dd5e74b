//! The speakers of other nodes, as far as the membership goes: they are alive and current, and so they have their share of
//! the addresses. They announce nothing.
//!
//! All of them live on one thread in the network of the node that is measured, where their addresses are local. They answer at
//! once, but ask little: what matters is what the measured one does.

use std::fs::File;
use std::io::{self, Read as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use herald_lab::clock;
use herald_lab::namespace::{Namespace, Work};
use herald_membership::{Config, Digest, Facts, Freshness, KeyRing, MAX_DATAGRAM, Membership, Output, Phase, Timing};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// UDP port of every speaker's membership.
const PORT: u16 = 7946;

/// The longest sleep: how soon the thread ends when it should, in milliseconds.
const TURN: u16 = 100;

/// Datagrams taken from one socket before the others have their turn.
const DATAGRAMS_PER_TURN: usize = 64;

/// A hundred that ask each other twenty times a second would need a core of their own.
const PATIENT: Timing = Timing {
    probe_period: Duration::from_secs(1),
    probe_timeout: Duration::from_millis(500),
    suspicion: Duration::from_secs(10),
    prod_period: Duration::from_millis(500),
    doubt: Duration::from_secs(2),
    check: Duration::from_secs(1),
    heartbeat_period: Duration::from_millis(50),
    heartbeat_patience: Duration::from_secs(10),
    announce_period: Duration::from_millis(500),
    start_silence: Duration::from_secs(1),
    start_settle: Duration::from_millis(150),
    facts_period: Duration::from_millis(100),
    leave_timeout: Duration::from_millis(300),
    alone_after: Duration::from_secs(30),
    late_tolerance: Duration::from_millis(100),
    forget_after: Duration::from_secs(600),
};

/// Speakers that are alive until this is dropped.
#[derive(Debug)]
pub struct Members {
    end: Arc<AtomicBool>,
    thread: Option<Work<()>>,
}

/// Where a node's speaker is met: `number` from 2 to 254.
pub fn address(number: usize) -> Result<Ipv4Addr> {
    Ok(Ipv4Addr::new(192, 168, 2, u8::try_from(number)?))
}

impl Members {
    /// Starts the speakers of the nodes with these numbers (`node2` has number 2), to meet the one of the node `met` in
    /// whose network they are. They know it and each other, and learn of the rest from them.
    pub fn start(
        namespace: &Namespace,
        keys: &Path,
        cluster_uid: &str,
        met: (&str, IpAddr),
        numbers: RangeInclusive<usize>,
    ) -> Result<Self> {
        let key = std::fs::read(keys.join("current")).context("read the membership key")?;
        let ring = KeyRing::new(&key, None, None)?;
        let mut nodes = vec![(met.0.to_owned(), SocketAddr::new(met.1, PORT))];
        for number in numbers.clone() {
            nodes.push((format!("node{number}"), SocketAddr::new(address(number)?.into(), PORT)));
        }
        let end = Arc::new(AtomicBool::new(false));
        let configs = numbers.map(|number| config(number, cluster_uid)).collect::<Result<Vec<_>>>()?;
        let sockets = namespace.run(move || open(configs))??;
        let flag = Arc::clone(&end);
        let thread = namespace.spawn("members", move || live(sockets, &ring, &nodes, &flag))?;
        Ok(Self { end, thread: Some(thread) })
    }
}

impl Drop for Members {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        // It has nothing to say.
        self.thread.take().map(Work::join);
    }
}

fn config(number: usize, cluster_uid: &str) -> Result<Config> {
    let mut seed = [0; 32];
    File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut seed)).context("read /dev/urandom")?;
    Ok(Config {
        node: format!("node{number}"),
        address: SocketAddr::new(address(number)?.into(), PORT),
        boot_id: 1, // its only life: each lab is a cluster of its own
        cluster_uid: cluster_uid.to_owned(),
        timing: PATIENT,
        seed,
    })
}

/// Opens the sockets, inside the namespace. A second call there finds what the first has set up.
fn open(configs: Vec<Config>) -> Result<Vec<(Config, UdpSocket)>> {
    let route = ["route", "replace", "local", "192.168.2.0/24", "dev", "lo"];
    let done = std::process::Command::new("ip").args(route).status().context("run ip")?;
    ensure!(done.success(), "ip {}: {done}", route.join(" "));
    let open = |config: Config| {
        let socket = UdpSocket::bind(config.address).with_context(|| format!("bind {}", config.address))?;
        socket.set_nonblocking(true)?;
        Ok((config, socket))
    };
    configs.into_iter().map(open).collect()
}

/// What such a speaker says of itself: that it is fit, and owns more than it can tell one by one.
fn facts(index: usize) -> Facts {
    let [.., high, low] = index.to_be_bytes();
    Facts {
        protocol: 1,
        freshness: Freshness::Current,
        phase: Phase::Running,
        interfaces: Digest::of(["eth0"]),
        owned: Digest::of((0..=herald_membership::MAX_DIGEST_NAMES).map(|name| format!("{index}/{name}"))),
        macs: vec![[2, 0, 0, 9, high, low]],
    }
}

fn live(sockets: Vec<(Config, UdpSocket)>, ring: &KeyRing, nodes: &[(String, SocketAddr)], end: &AtomicBool) {
    let start = clock::now();
    let mut members = Vec::new();
    for (index, (config, socket)) in sockets.into_iter().enumerate() {
        let others: Vec<_> = nodes.iter().filter(|(name, _)| *name != config.node).cloned().collect();
        let Ok(mut member) = Membership::new(config, ring.clone()) else { return };
        member.set_nodes(others, clock::now() - start);
        member.set_facts(facts(index), clock::now() - start);
        members.push((member, socket));
    }
    let mut buffer = vec![0; MAX_DATAGRAM + 1];
    while !end.load(Ordering::Relaxed) {
        let now = clock::now() - start;
        for (member, socket) in &mut members {
            if member.next_deadline().is_some_and(|due| due <= now) {
                member.handle_deadline(clock::now() - start);
            }
            send(member, socket);
        }
        let now = clock::now() - start;
        let due = members.iter().filter_map(|(member, _)| member.next_deadline()).min();
        let wait = due.map_or(u128::from(TURN), |due| due.saturating_sub(now).as_millis());
        let wait = u16::try_from(wait).unwrap_or(TURN).clamp(1, TURN);
        let mut sockets: Vec<_> =
            members.iter().map(|(_, socket)| PollFd::new(socket.as_fd(), PollFlags::POLLIN)).collect();
        // A signal is as good as a datagram.
        let _ = poll(&mut sockets, PollTimeout::from(wait));
        let readable: Vec<_> = sockets.iter().map(|socket| socket.any().unwrap_or(true)).collect();
        for ((member, socket), _) in members.iter_mut().zip(readable).filter(|(_, readable)| *readable) {
            receive(member, socket, &mut buffer, start);
            send(member, socket);
        }
    }
}

fn receive(member: &mut Membership, socket: &UdpSocket, buffer: &mut [u8], start: Instant) {
    for _ in 0..DATAGRAMS_PER_TURN {
        match socket.recv_from(buffer) {
            Ok((length, from)) => {
                // What is refused is not answered.
                let _ = member.receive(from, buffer.get(..length).unwrap_or_default(), clock::now() - start);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(_) => {}
        }
    }
}

fn send(member: &mut Membership, socket: &UdpSocket) {
    while let Some(output) = member.poll_output() {
        if let Output::Send { to, datagram } = output {
            // A datagram that can't be sent is a datagram lost.
            let _ = socket.send_to(&datagram, to);
        }
    }
}
