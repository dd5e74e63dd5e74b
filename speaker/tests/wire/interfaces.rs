//! Following the kernel's interfaces by netlink.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use herald_neighbor::{Interface, InterfaceIndex, MacAddr};
use herald_speaker::announce::exclude::Exclude;
use herald_speaker::announce::interface::{InterfaceChange, follow};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use crate::namespace::{Namespace, ip, ip_batch, link};

/// How long anything may take that should take milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the wire would know.
struct Known {
    changes: mpsc::Receiver<InterfaceChange>,
    interfaces: BTreeMap<InterfaceIndex, Interface>,
    other_macs: BTreeSet<MacAddr>,
    count: usize,
    _exclude: watch::Sender<Exclude>,
}

impl Known {
    fn start(queue: usize) -> Self {
        let (to, changes) = mpsc::channel(queue);
        let (exclude, list) = watch::channel(Exclude::default());
        tokio::spawn(follow(list, to));
        Self { changes, interfaces: BTreeMap::new(), other_macs: BTreeSet::new(), count: 0, _exclude: exclude }
    }

    fn take(&mut self, change: InterfaceChange) {
        self.count += 1;
        match change {
            InterfaceChange::Usable(interface) => drop(self.interfaces.insert(interface.index, interface)),
            InterfaceChange::Gone(index) => {
                assert!(self.interfaces.remove(&index).is_some(), "gone, but was never there");
            }
            InterfaceChange::OtherMac { mac, present: true } => assert!(self.other_macs.insert(mac), "told twice"),
            InterfaceChange::OtherMac { mac, present: false } => assert!(self.other_macs.remove(&mac), "told twice"),
        }
    }

    /// Takes in changes until the condition holds.
    async fn until(&mut self, what: &str, condition: impl Fn(&Self) -> bool) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !condition(self) {
            let change = tokio::time::timeout_at(deadline, self.changes.recv()).await;
            let change = change.unwrap_or_else(|_| panic!("{what}: not within {PATIENCE:?}: {:?}", self.interfaces));
            self.take(change.expect("still followed"));
        }
    }

    /// Takes in changes until nothing has come for a while.
    async fn settle(&mut self) {
        while let Ok(Some(change)) = timeout(Duration::from_millis(300), self.changes.recv()).await {
            self.take(change);
        }
    }

    fn named(&self, name: &str) -> Option<&Interface> {
        self.interfaces.values().find(|interface| interface.name == name)
    }
}

#[test]
fn addresses_come_with_the_interface_and_a_late_link_local_one_too() {
    let (node, _client) = link();
    node.ip("link set eth0 addrgenmode none");
    node.ip("addr flush dev eth0");
    node.run_async(async || {
        let mut known = Known::start(64);
        known.until("eth0", |known| known.named("eth0").is_some()).await;
        assert_eq!(known.named("eth0").unwrap().link_local, None);
        ip("addr add 192.168.1.2/24 dev eth0");
        known.until("its address", |known| known.named("eth0").is_some_and(|it| it.addresses.len() == 1)).await;
        ip("addr add fe80::7/64 dev eth0");
        known.until("its link-local", |known| known.named("eth0").is_some_and(|it| it.link_local.is_some())).await;
        ip("addr del fe80::7/64 dev eth0");
        known.until("none", |known| known.named("eth0").is_some_and(|it| it.link_local.is_none())).await;
    });
}

#[test]
fn a_port_never_takes_part_and_takes_part_again_once_it_is_none() {
    let (node, _client) = link();
    node.run_async(async || {
        let mut known = Known::start(64);
        known.until("eth0", |known| known.named("eth0").is_some()).await;
        for _ in 0..5 {
            ip("link add br0 type bridge");
            ip("link set br0 up");
            ip("link set eth0 master br0");
            let moved = |known: &Known| known.named("eth0").is_none() && known.named("br0").is_some();
            known.until("the bridge in its place", moved).await;
            // A bridge says goodbye to a port with the message that otherwise means: this interface is gone.
            ip("link set eth0 nomaster");
            known.until("eth0 again", |known| known.named("eth0").is_some()).await;
            known.settle().await;
            assert!(known.named("eth0").is_some(), "and stays");
            ip("link del br0");
            known.until("no bridge", |known| known.named("br0").is_none()).await;
        }
    });
}

#[test]
fn a_changed_mac_and_a_lost_carrier_and_a_vanished_interface_are_told() {
    let (node, client) = link();
    node.run_async(async || {
        let mut known = Known::start(64);
        known.until("eth0", |known| known.named("eth0").is_some()).await;
        ip("link set eth0 address 02:00:00:00:00:99");
        let mac = MacAddr::new(2, 0, 0, 0, 0, 0x99);
        known.until("the MAC", |known| known.named("eth0").is_some_and(|it| it.mac == mac)).await;
        client.ip("link set eth0 down");
        known.until("no carrier", |known| known.named("eth0").is_none()).await;
        assert!(known.other_macs.contains(&mac), "still one of the node's");
        client.ip("link set eth0 up");
        known.until("carrier", |known| known.named("eth0").is_some()).await;
        ip("link del eth0");
        known.until("nothing", |known| known.named("eth0").is_none()).await;
        known.settle().await;
        assert!(!known.other_macs.contains(&mac));
    });
}

/// CPU time of this thread so far, and the process's memory in KiB.
fn usage() -> (Duration, u64) {
    let first_number = |text: &str| text.split_whitespace().find_map(|word| word.parse::<u64>().ok()).unwrap();
    let nanoseconds = first_number(&std::fs::read_to_string("/proc/thread-self/schedstat").unwrap());
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    (Duration::from_nanos(nanoseconds), first_number(line))
}

/// More than the kernel's buffer holds, while nobody reads: the kernel drops, says so, and the table is dumped again.
#[test]
fn ten_thousand_events_at_once_lose_nothing_but_time() {
    let (node, _client) = link();
    node.run_async(async || {
        ip("link add mark type veth peer name vethmark");
        let mut known = Known::start(4);
        known.until("eth0", |known| known.named("eth0").is_some()).await;
        known.settle().await;
        let (_, before) = usage();
        let mut lines = String::new();
        for number in 0..5_000 {
            writeln!(lines, "link set mark mtu {}", 1_400 + number % 2).unwrap();
            writeln!(lines, "link set vethmark mtu {}", 1_400 + number % 2).unwrap();
        }
        // The last word, long after the buffer was full.
        lines.push_str("link set vethmark up\nlink set mark address 02:00:00:00:00:77 up\nlink del eth0\n");
        // Blocks this thread, and with it the reader.
        ip_batch(&lines);
        let resumed = tokio::time::Instant::now();
        let last = MacAddr::new(2, 0, 0, 0, 0, 0x77);
        let caught_up =
            |known: &Known| known.named("mark").is_some_and(|it| it.mac == last) && known.named("eth0").is_none();
        known.until("the last word", caught_up).await;
        let took = resumed.elapsed();
        assert!(took < Duration::from_secs(2), "caught up after {took:?}");
        known.settle().await;
        // What the kernel had queued before it dropped the rest is older than the new dump, and must not undo it.
        assert!(caught_up(&known), "then lost again: {:?}", known.interfaces);
        let (_, after) = usage();
        assert!(after < before + 16 * 1024, "memory grew from {before} to {after} KiB");
    });
}

/// Pods come and go: nothing but their MACs is told, and it costs next to nothing.
#[test]
fn hundreds_of_pod_interfaces_are_no_work() {
    let (node, _client) = link();
    let pods = Namespace::new();
    node.run_async(async || {
        let mut known = Known::start(64);
        known.until("eth0", |known| known.named("eth0").is_some()).await;
        known.settle().await;
        let (time, _) = usage();
        let (told, mut add, mut remove) = (known.count, String::new(), String::new());
        for number in 0..250 {
            writeln!(add, "link add veth{number} type veth peer name eth{number} netns {}", pods.path()).unwrap();
            writeln!(add, "link set veth{number} up").unwrap();
            writeln!(remove, "link del veth{number}").unwrap();
        }
        let work = tokio::task::spawn_blocking(move || {
            ip_batch(&add);
            ip_batch(&remove);
        });
        work.await.unwrap();
        known.settle().await;
        let (later, _) = usage();
        println!("250 pod interfaces up and down: {:?} of this thread's time", later - time);
        assert!(known.count - told <= 2 * 250, "{} changes told", known.count - told);
        assert_eq!(known.interfaces.len(), 1);
        // 1 % of a core over a minute for 500 would be 300 ms; it takes about 5.
        assert!(later - time < Duration::from_millis(300), "{:?}", later - time);
    });
}
