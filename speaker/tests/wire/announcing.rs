//! The whole wire at one end of a link, a Linux host at the other.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr, UdpSocket};
use std::time::Duration;

use herald_neighbor::packet::ndp::{Message, Ndp};
use herald_neighbor::{MacAddr, Notice, Scope, Settings};
use herald_runtime::clock::Monotonic;
use herald_speaker::announce::exclude::Exclude;
use herald_speaker::announce::interface;
use herald_speaker::announce::wire::{self, Command, WireEvent};
use herald_speaker::metrics::WireMetrics;
use herald_sys::{Instruction, PacketSocket, Protocol};
use tokio::sync::{mpsc, watch};

use crate::namespace::{Namespace, comes_true, link};

const OURS: &str = "02:00:00:00:00:01";
const OTHER: MacAddr = MacAddr(2, 0, 0, 0, 0, 0x66);
const CLIENTS: MacAddr = MacAddr(2, 0, 0, 0, 0, 2);
const EVERYTHING: [Instruction; 1] = [Instruction { code: 0x06, jt: 0, jf: 0, k: u32::MAX }];
const PATIENCE: Duration = Duration::from_secs(10);

/// A wire that runs in a thread of its own, until it is dropped.
struct Running {
    commands: mpsc::Sender<Command>,
    events: mpsc::Receiver<WireEvent>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Running {
    fn start(node: &'static Namespace, refresh: Duration) -> Self {
        let (commands, commands_in) = mpsc::channel(1024);
        let (events_out, events) = mpsc::channel(1024);
        let thread = std::thread::spawn(move || {
            node.run_async(async move || {
                let (_list, exclude) = watch::channel(Exclude::default());
                let (to, interfaces) = mpsc::channel(1024);
                tokio::spawn(interface::follow(exclude, to));
                let settings = Settings { refresh, seed: 1 };
                let (clock, metrics) = (Monotonic::start(), WireMetrics::default());
                wire::run(settings, clock, metrics, commands_in, interfaces, events_out).await;
            });
        });
        Self { commands, events, thread: Some(thread) }
    }

    fn tell(&self, command: Command) {
        self.commands.blocking_send(command).expect("the wire runs");
    }

    fn own(&self, ip: impl Into<IpAddr>) {
        self.tell(Command::Own { ip: ip.into(), scope: Scope::All, ahead: BTreeSet::new() });
    }

    /// The next notice.
    fn notice(&mut self) -> Notice<String> {
        loop {
            if let WireEvent::Notice(notice) = self.wait_for(|_| true) {
                return notice;
            }
        }
    }

    /// The next event that is wanted.
    fn wait_for(&mut self, wanted: impl Fn(&WireEvent) -> bool) -> WireEvent {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let found = async {
                loop {
                    let event = self.events.recv().await.expect("the wire runs");
                    if wanted(&event) {
                        return event;
                    }
                }
            };
            tokio::time::timeout(PATIENCE, found).await.expect("the event within ten seconds")
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Closes the channel, which ends the wire.
        self.commands = mpsc::channel(1).0;
        if let Some(thread) = self.thread.take() {
            let ended = thread.join().is_ok();
            assert!(ended || std::thread::panicking(), "the wire failed");
        }
    }
}

/// A link whose ends live as long as the program, so that threads can refer to them.
fn lasting_link() -> (&'static Namespace, &'static Namespace) {
    let (node, client) = link();
    (Box::leak(Box::new(node)), Box::leak(Box::new(client)))
}

/// The client's entry for an address: MAC and state.
fn known(client: &Namespace, ip: &str) -> String {
    client.ip(&format!("neigh show to {ip} dev eth0"))
}

fn send(client: &Namespace, from: &str, to: &str) {
    client.run(|| {
        let socket = UdpSocket::bind((from, 0)).expect("the client's address");
        // "No route" or "unreachable" is what the entry will say, too.
        let _ = socket.send_to(b"hello", (to, 9));
    });
}

fn with_client_address(client: &Namespace) {
    client.ip("addr add fd00::10/64 dev eth0 nodad");
    client.ip("addr add 192.168.1.10/24 dev eth0");
    let receives = || client.ip("-6 route show table local").contains("local fd00::10");
    assert!(comes_true(receives), "the client's address does not come into use");
}

/// The client asks, is answered, and holds the new MAC right after the announcement of another owner.
#[test]
fn a_client_resolves_an_ipv6_address_and_follows_a_move_at_once() {
    let (node, client) = lasting_link();
    with_client_address(client);
    let running = Running::start(node, Duration::ZERO);
    running.own("fd00::240".parse::<Ipv6Addr>().unwrap());
    // The node's link-local address is late: duplicate address detection takes a second or two.
    let resolved = || {
        send(client, "fd00::10", "fd00::240");
        std::thread::sleep(Duration::from_millis(100));
        known(client, "fd00::240").contains(OURS)
    };
    assert!(comes_true(resolved), "{:?}", known(client, "fd00::240"));
    client.ip("neigh replace fd00::240 lladdr 02:00:00:00:00:66 dev eth0 nud reachable");
    assert!(known(client, "fd00::240").contains("66 REACHABLE"));

    // This node wins the address: the entry is replaced though the client thinks it confirmed.
    running.tell(Command::Disown { ip: "fd00::240".parse().unwrap() });
    running.own("fd00::240".parse::<Ipv6Addr>().unwrap());
    let moved = || known(client, "fd00::240").contains(OURS);
    assert!(comes_true(moved), "{}", known(client, "fd00::240"));
}

/// A host that tries to take an address of ours learns that it is taken.
#[test]
fn duplicate_address_detection_of_a_host_finds_ours() {
    let (node, client) = lasting_link();
    let mut running = Running::start(node, Duration::ZERO);
    running.own("fd00::240".parse::<Ipv6Addr>().unwrap());
    running.wait_for(|event| matches!(event, WireEvent::Interfaces(_)));
    let ready = || node.ip("-6 addr show dev eth0 scope link -tentative").contains("fe80");
    assert!(comes_true(ready), "the node has no link-local address");
    let joined = || node.ip("maddress show dev eth0").contains("ff02::1:ff00:240");
    assert!(comes_true(joined), "the group is not joined: {}", node.ip("maddress show dev eth0"));
    client.ip("addr add fd00::240/64 dev eth0");
    let failed = || client.ip("-6 addr show dev eth0").contains("dadfailed");
    assert!(comes_true(failed), "{}", client.ip("-6 addr show dev eth0"));
}

fn index(namespace: &Namespace) -> u32 {
    namespace.run(|| nix::net::if_::if_nametoindex("eth0").expect("eth0"))
}

/// Sends a frame from the client, and returns the first neighbour advertisement about `target` that comes back.
fn answer(client: &Namespace, asked: Ndp, options: &[u8]) -> Option<Ndp> {
    let number = index(client);
    client.run(|| {
        let socket = PacketSocket::open(number, Protocol::Ipv6, &EVERYTHING).expect("a packet socket");
        let mut frame = asked.encode();
        if !options.is_empty() {
            frame.extend_from_slice(options);
            seal(&mut frame);
        }
        socket.send(&frame).expect("sent");
        let mut buffer = [0; 2_048];
        (0..500).find_map(|_| match socket.receive(&mut buffer) {
            Ok(received) => {
                let heard = Ndp::decode(&buffer[..received.length]).ok()?;
                let ours = matches!(heard.message, Message::Advertisement { .. }) && heard.target == asked.target;
                ours.then_some(heard)
            }
            Err(_) => {
                std::thread::sleep(Duration::from_millis(2));
                None
            }
        })
    })
}

/// Makes length and checksum right again after options were added.
fn seal(frame: &mut [u8]) {
    let length = u16::try_from(frame.len() - 54).expect("a short frame");
    frame[18..20].copy_from_slice(&length.to_be_bytes());
    frame[56..58].fill(0);
    let words = frame[22..].chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)));
    let mut sum = words.fold(u32::from(length) + 58, u32::wrapping_add);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    frame[56..58].copy_from_slice(&(!u16::try_from(sum).expect("16 bits")).to_be_bytes());
}

#[test]
fn solicitations_of_every_kind_are_answered_on_the_wire() {
    let (node, client) = lasting_link();
    let running = Running::start(node, Duration::ZERO);
    let vip: Ipv6Addr = "fd00::240".parse().unwrap();
    running.own(vip);
    let joined = || node.ip("maddress show dev eth0").contains("ff02::1:ff00:240");
    assert!(comes_true(joined), "the group is not joined");
    let (global, local): (Ipv6Addr, Ipv6Addr) = ("fd00::10".parse().unwrap(), "fe80::10".parse().unwrap());
    let no_mac = Message::Solicitation { asker: None };
    let multicast = |from| Ndp::solicitation(CLIENTS, from, vip);
    let unicast = |from| Ndp { destination: MacAddr(2, 0, 0, 0, 0, 1), destination_ip: vip, ..multicast(from) };
    // A nonce and an option that nobody knows, of the greatest length.
    let mut options = vec![14, 1, 1, 2, 3, 4, 5, 6, 253, 100];
    options.resize(8 + 800, 0);
    for (asked, options) in [
        (multicast(global), &[][..]),
        (multicast(local), &[]),
        (Ndp { message: no_mac, ..multicast(global) }, &[]),
        (unicast(global), &[]),
        (Ndp { message: no_mac, ..unicast(local) }, &[]),
        (unicast(global), &options),
    ] {
        let heard = answer(client, asked, options).unwrap_or_else(|| panic!("not answered: {asked:?}"));
        let expected = Message::Advertisement {
            router: false,
            solicited: true,
            overrides: true,
            owner: Some(MacAddr(2, 0, 0, 0, 0, 1)),
        };
        assert_eq!((heard.message, heard.destination_ip), (expected, asked.source_ip));
    }
}

/// Another speaker's announcement, sent by hand from the client's end.
fn claim(client: &Namespace, mac: MacAddr, ip: &str) {
    let (number, ip) = (index(client), ip.parse().expect("an address"));
    client.run(|| {
        let socket = PacketSocket::open(number, Protocol::Arp, &EVERYTHING).expect("a packet socket");
        let frame = herald_neighbor::packet::arp::Arp::announcement_request(mac, ip).encode();
        socket.send(&frame).expect("sent");
    });
}

#[test]
fn an_address_is_yielded_to_a_speaker_ahead_and_taken_back_when_it_is_silent() {
    let (node, client) = lasting_link();
    with_client_address(client);
    let mut running = Running::start(node, Duration::from_secs(60));
    running.wait_for(|event| matches!(event, WireEvent::Interfaces(map) if map.contains_key("eth0")));
    let ip: IpAddr = "192.168.1.240".parse().unwrap();
    running.tell(Command::Own { ip, scope: Scope::All, ahead: BTreeSet::from([OTHER]) });
    let resolved = || {
        send(client, "192.168.1.10", "192.168.1.240");
        known(client, "192.168.1.240").contains(OURS)
    };
    assert!(comes_true(resolved));
    let before = tokio::time::Instant::now();
    claim(client, OTHER, "192.168.1.240");
    assert_eq!(running.notice(), Notice::Yielded { ip, mac: OTHER });
    assert_eq!(running.notice(), Notice::Resumed { ip });
    let away = before.elapsed();
    assert!(away >= Duration::from_millis(300) && away < Duration::from_secs(3), "{away:?}");
    assert!(comes_true(|| known(client, "192.168.1.240").contains(OURS)));
}

#[test]
fn a_stranger_with_our_address_is_found_by_the_refresh_though_it_keeps_quiet() {
    let (node, client) = lasting_link();
    // The client's kernel has the address and never says so by itself.
    client.ip("addr add 192.168.1.240/32 dev eth0");
    client.ip("addr add fd00::240/128 dev eth0 nodad");
    let mut running = Running::start(node, Duration::from_millis(500));
    for ip in ["192.168.1.240", "fd00::240"] {
        running.own(ip.parse::<IpAddr>().unwrap());
    }
    let mut found = BTreeSet::new();
    while found.len() < 2 {
        let Notice::Conflict { ip, mac, interface } = running.notice() else { continue };
        assert_eq!((mac, interface.as_str()), (CLIENTS, "eth0"));
        found.insert(ip);
    }
    client.ip("addr flush dev eth0");
    for _ in 0..2 {
        while !matches!(running.notice(), Notice::ConflictOver { .. }) {}
    }
}

#[test]
fn a_probe_hears_the_node_whose_speaker_is_dead() {
    let (node, client) = lasting_link();
    with_client_address(client);
    node.ip("addr add 192.168.1.2/24 dev eth0");
    let mut running = Running::start(node, Duration::ZERO);
    running.wait_for(|event| matches!(event, WireEvent::Interfaces(map) if map.contains_key("eth0")));
    let ready = || node.ip("-6 addr show dev eth0 scope link -tentative").contains("fe80");
    assert!(comes_true(ready), "the node has no link-local address");
    for target in ["192.168.1.10", "fd00::10"] {
        let target: IpAddr = target.parse().unwrap();
        let heard = WireEvent::Notice(Notice::Heard { target, mac: CLIENTS, interface: "eth0".to_owned() });
        let asked = tokio::time::Instant::now();
        // The wire may learn of the node's own address a moment after we do.
        let mut answered = || {
            running.tell(Command::Probe { target });
            std::thread::sleep(Duration::from_millis(50));
            std::iter::from_fn(|| running.events.try_recv().ok()).any(|event| event == heard)
        };
        assert!(comes_true(&mut answered), "{target} is not heard");
        println!("{target} answered after {:?}", asked.elapsed());
    }
    running.tell(Command::Probe { target: "192.168.1.99".parse().unwrap() });
    running.tell(Command::Probe { target: "192.168.1.10".parse().unwrap() });
    let about_ipv4 =
        |event: &WireEvent| matches!(event, WireEvent::Notice(Notice::Heard { target, .. }) if target.is_ipv4());
    let WireEvent::Notice(Notice::Heard { target, .. }) = running.wait_for(about_ipv4) else { unreachable!() };
    assert_eq!(target.to_string(), "192.168.1.10");
}

#[test]
fn a_stand_in_tells_the_owners_mac() {
    let (node, client) = lasting_link();
    with_client_address(client);
    let mut running = Running::start(node, Duration::ZERO);
    running.wait_for(|event| matches!(event, WireEvent::Interfaces(map) if map.contains_key("eth0")));
    for ip in ["192.168.1.240", "fd00::240"] {
        running.tell(Command::StandIn { ip: ip.parse().unwrap(), scope: Scope::All, mac: OTHER });
        let from = if ip.contains(':') { "fd00::10" } else { "192.168.1.10" };
        let resolved = || {
            send(client, from, ip);
            std::thread::sleep(Duration::from_millis(50));
            known(client, ip).contains(&OTHER.to_string())
        };
        assert!(comes_true(resolved), "{}", known(client, ip));
    }
}

#[test]
fn a_link_that_comes_back_and_a_mac_that_changes_are_announced_at_once() {
    let (node, client) = lasting_link();
    with_client_address(client);
    let mut running = Running::start(node, Duration::ZERO);
    running.own("192.168.1.240".parse::<IpAddr>().unwrap());
    running.wait_for(|event| matches!(event, WireEvent::Interfaces(map) if map.contains_key("eth0")));
    // The burst ends after 3.5 s; from then on nothing is said without a reason.
    std::thread::sleep(Duration::from_secs(5));
    for (changes, mac) in [
        (&["link set eth0 down", "link set eth0 up"][..], OURS),
        (&["link set eth0 address 02:00:00:00:00:03"], "02:00:00:00:00:03"),
    ] {
        client.ip("neigh replace 192.168.1.240 lladdr 02:00:00:00:00:66 dev eth0 nud reachable");
        for change in changes {
            node.ip(change);
        }
        let told = || known(client, "192.168.1.240").contains(mac);
        assert!(comes_true(told), "{changes:?}: {}", known(client, "192.168.1.240"));
    }
}

#[test]
fn an_interface_that_vanishes_under_thousands_of_addresses_stalls_nothing() {
    let (node, client) = lasting_link();
    let mut running = Running::start(node, Duration::from_secs(1));
    let address = |number: u32| std::net::Ipv4Addr::from_bits(0x0a00_0000 + number);
    for number in 0..5_000 {
        running.own(address(number));
    }
    for number in 0..500_u128 {
        running.own(Ipv6Addr::from_bits(0xfd00 << 112 | number << 8));
    }
    for _ in 0..3 {
        running.wait_for(|event| matches!(event, WireEvent::Interfaces(map) if map.contains_key("eth0")));
        std::thread::sleep(Duration::from_millis(300));
        node.ip("link del eth0");
        running.wait_for(|event| matches!(event, WireEvent::Interfaces(map) if map.is_empty()));
        node.ip(&format!("link add eth0 type veth peer name eth0 netns {}", client.path()));
        client.ip("link set eth0 up");
        node.ip("link set eth0 address 02:00:00:00:00:01 up");
    }
    with_client_address(client);
    client.ip("addr add 10.0.0.9/32 dev eth0");
    client.ip("route add 10.0.0.0/16 dev eth0 src 192.168.1.10");
    let last = address(4_999).to_string();
    let resolved = || {
        send(client, "192.168.1.10", &last);
        known(client, &last).contains(OURS)
    };
    assert!(comes_true(resolved), "{:?}", known(client, &last));
}
