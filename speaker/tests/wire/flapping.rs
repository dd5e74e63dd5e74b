//! Interfaces that go and are back before the wire has looked: it is told of both at once, as when the events of both arrive
//! in one datagram.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use herald_neighbor::packet::arp::{Arp, Operation};
use herald_neighbor::{Interface, InterfaceIndex, MacAddr, Scope, Settings};
use herald_runtime::clock::Monotonic;
use herald_speaker::announce::interface::InterfaceChange;
use herald_speaker::announce::wire::{self, Command, WireEvent};
use herald_speaker::metrics::WireMetrics;
use herald_sys::{Instruction, PacketSocket, Protocol};
use nix::net::if_::if_nametoindex;
use tokio::sync::mpsc;

use crate::namespace::{Namespace, comes_true, ip, link};

const OURS: MacAddr = MacAddr(2, 0, 0, 0, 0, 1);
const CLIENTS: MacAddr = MacAddr(2, 0, 0, 0, 0, 2);
const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 10);
const VIP: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 240);
const EVERYTHING: [Instruction; 1] = [Instruction { code: 0x06, jt: 0, jf: 0, k: u32::MAX }];
const PATIENCE: Duration = Duration::from_secs(10);

/// The client's end of the link.
struct Client<'a> {
    namespace: &'a Namespace,
    socket: PacketSocket,
}

impl<'a> Client<'a> {
    fn at(namespace: &'a Namespace) -> Self {
        let open = || PacketSocket::open(if_nametoindex("eth0").expect("eth0"), Protocol::Arp, &EVERYTHING);
        Self { namespace, socket: namespace.run(open).expect("a packet socket") }
    }

    fn next(&self) -> Option<Arp> {
        let mut buffer = [0; 2_048];
        let received = self.socket.receive(&mut buffer).ok()?;
        Arp::decode(&buffer[..received.length]).ok()
    }

    /// The next word of the node about the address.
    async fn told(&self) -> Arp {
        let told = async {
            loop {
                match self.next() {
                    Some(arp) if arp.sender_ip == VIP => return arp,
                    Some(_) => {}
                    None => tokio::time::sleep(Duration::from_millis(2)).await,
                }
            }
        };
        tokio::time::timeout(PATIENCE, told).await.expect("a word within ten seconds")
    }

    /// Until frames get from the node to the client, and nothing is left to read. Blocks: the wire does not run meanwhile.
    fn wait_until_reached(&self, from: u32) {
        let hello = Arp::request(OURS, Ipv4Addr::new(192, 168, 1, 2), CLIENT).encode();
        let node = PacketSocket::open(from, Protocol::Arp, &EVERYTHING).expect("a packet socket");
        assert!(comes_true(|| node.send(&hello).is_ok() && self.next().is_some()), "the link carries nothing");
        std::thread::sleep(Duration::from_millis(10));
        while self.next().is_some() {}
    }
}

/// A wire in this thread, told of interfaces by the test.
struct Told {
    commands: mpsc::Sender<Command>,
    interfaces: mpsc::Sender<InterfaceChange>,
    _events: mpsc::Receiver<WireEvent>,
    index: u32,
}

impl Told {
    /// It owns the address, and has announced it for the first time.
    async fn start(client: &Client<'_>) -> Self {
        let (commands, commands_in) = mpsc::channel(16);
        let (interfaces, interfaces_in) = mpsc::channel(16);
        let (events_out, events) = mpsc::channel(16);
        let settings = Settings { refresh: Duration::ZERO, seed: 1 };
        let (clock, metrics) = (Monotonic::start(), WireMetrics::default());
        tokio::spawn(wire::run(settings, clock, metrics, commands_in, interfaces_in, events_out));
        let told = Self { commands, interfaces, _events: events, index: if_nametoindex("eth0").expect("eth0") };
        client.wait_until_reached(told.index);
        told.say(InterfaceChange::Usable(told.eth0()));
        let own = Command::Own { ip: IpAddr::V4(VIP), scope: Scope::All, ahead: BTreeSet::new() };
        told.commands.send(own).await.expect("the wire runs");
        assert_eq!(client.told().await.operation, Operation::Request);
        assert_eq!(client.told().await.operation, Operation::Reply);
        told
    }

    fn eth0(&self) -> Interface {
        let (index, name) = (InterfaceIndex(self.index), "eth0".to_owned());
        Interface { index, name, mac: OURS, link_local: None, addresses: Vec::new() }
    }

    fn say(&self, change: InterfaceChange) {
        self.interfaces.try_send(change).expect("room in the queue");
    }

    /// The interface is gone and back: both are told in one go.
    fn say_that_it_was_away(&self) {
        self.say(InterfaceChange::Gone(InterfaceIndex(self.index)));
        self.say(InterfaceChange::Usable(self.eth0()));
    }
}

#[test]
fn no_word_is_lost_because_the_interface_was_down_for_a_moment() {
    let (node, client) = link();
    node.run_async(async || {
        let client = Client::at(&client);
        let told = Told::start(&client).await;
        for _ in 0..5 {
            ip("link set eth0 down");
            ip("link set eth0 up");
            client.wait_until_reached(told.index);
            told.say_that_it_was_away();
            let first = client.told().await;
            assert_eq!(first.operation, Operation::Request, "the first frame of the announcement was refused");
        }
    });
}

#[test]
fn an_interface_that_is_another_one_under_the_same_number_is_served() {
    let (node, far) = link();
    node.run_async(async || {
        let client = Client::at(&far);
        let told = Told::start(&client).await;
        ip("link del eth0");
        let (index, path) = (told.index, far.path());
        ip(&format!("link add eth0 index {index} type veth peer name eth0 netns {path}"));
        client.namespace.ip("link set eth0 address 02:00:00:00:00:02 up");
        ip("link set eth0 address 02:00:00:00:00:01 up");
        let client = Client::at(&far);
        client.wait_until_reached(index);
        told.say_that_it_was_away();
        assert_eq!(client.told().await.sender_mac, OURS, "announced");
        client.socket.send(&Arp::request(CLIENTS, CLIENT, VIP).encode()).expect("sent");
        let answered = async { while client.told().await.destination != CLIENTS {} };
        tokio::time::timeout(PATIENCE, answered).await.expect("an answer within ten seconds");
    });
}
