//! A peer that believes what it is told, and a table that is changed, asked and interrupted at random.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;
use std::net::IpAddr;
use std::sync::Arc;

use proptest::prelude::*;

use super::{AdjRibOut, Encode, Next};
use crate::attributes::Attributes;
use crate::value::{Family, Prefix};

/// What the peer has been told.
#[derive(Debug, Default)]
struct Peer {
    routes: BTreeMap<Prefix, Attributes>,
    ends: Vec<Family>,
    /// Routes seen since BoRR.
    refreshed: BTreeMap<Family, BTreeSet<Prefix>>,
    messages: Vec<&'static str>,
    /// How many prefixes fit into a message.
    room: usize,
    /// Attributes with this MED can't be written.
    unwritable: Option<u32>,
}

impl Encode for Peer {
    type Error = &'static str;

    fn withdraw(&mut self, family: Family, prefixes: &mut Peekable<impl Iterator<Item = Prefix>>) {
        self.messages.push("withdraw");
        for _ in 0..self.room {
            let Some(prefix) = prefixes.next() else { break };
            assert_eq!(prefix.family(), family);
            assert!(self.routes.remove(&prefix).is_some(), "{prefix} was not announced");
        }
    }

    fn announce(
        &mut self,
        family: Family,
        attributes: &Attributes,
        prefixes: &mut Peekable<impl Iterator<Item = Prefix>>,
    ) -> Result<(), Self::Error> {
        if attributes.med.is_some() && attributes.med == self.unwritable {
            return Err("too long");
        }
        self.messages.push("announce");
        for _ in 0..self.room {
            let Some(prefix) = prefixes.next() else { break };
            assert_eq!(prefix.family(), family);
            self.routes.insert(prefix, attributes.clone());
            self.refreshed.entry(family).or_default().insert(prefix);
        }
        Ok(())
    }

    fn end_of_rib(&mut self, family: Family) {
        self.messages.push("end of rib");
        self.ends.push(family);
    }

    fn begin_refresh(&mut self, family: Family) {
        self.messages.push("begin");
        self.refreshed.insert(family, BTreeSet::new());
    }

    fn end_refresh(&mut self, family: Family) {
        self.messages.push("end");
        let seen = self.refreshed.remove(&family).unwrap_or_default();
        self.routes.retain(|prefix, _| prefix.family() != family || seen.contains(prefix));
    }
}

fn peer(room: usize) -> Peer {
    Peer { room, ..Peer::default() }
}

fn host(number: u8) -> Prefix {
    Prefix::host(IpAddr::from([192, 0, 2, number]))
}

fn host6(number: u8) -> Prefix {
    Prefix::host(IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, number.into()]))
}

fn med(med: u32) -> Arc<Attributes> {
    Arc::new(Attributes { med: Some(med), ..Attributes::default() })
}

fn drain(table: &mut AdjRibOut, peer: &mut Peer) -> usize {
    let mut messages = 0;
    while table.next(peer) != Next::Nothing {
        messages += 1;
        assert!(messages < 100_000, "never ends");
    }
    assert!(table.is_settled());
    messages
}

#[test]
fn everything_then_the_end() {
    let mut table = AdjRibOut::default();
    (0..100).for_each(|number| table.set(host(number), Some(med(1))));
    let mut peer = peer(40);
    assert_eq!(table.next(&mut peer), Next::Nothing, "no session");
    table.up(Family::ALL, false);
    drain(&mut table, &mut peer);
    assert_eq!(peer.messages, ["end of rib", "announce", "announce", "announce", "end of rib"]);
    assert_eq!(peer.ends, [Family::Ipv6, Family::Ipv4], "of the empty family at once");
    assert_eq!(table.sent(Family::Ipv4), 100);
}

#[test]
fn only_differences_go_out() {
    let mut table = AdjRibOut::default();
    let mut peer = peer(1000);
    table.up(Family::ALL, false);
    (0..100).for_each(|number| table.set(host(number), Some(med(1))));
    drain(&mut table, &mut peer);
    peer.messages.clear();
    (0..100).for_each(|number| table.set(host(number), Some(med(1))));
    assert!(table.is_settled());
    table.set(host(1), Some(med(2)));
    table.set(host(1), Some(med(1)));
    table.set(host(2), None);
    table.set(host(2), Some(med(1)));
    table.set(host(200), Some(med(1)));
    table.set(host(200), None);
    assert_eq!(drain(&mut table, &mut peer), 0, "{:?}", peer.messages);
}

#[test]
fn withdrawals_go_first_and_equal_attributes_share_messages() {
    let mut table = AdjRibOut::default();
    let mut peer = peer(1000);
    table.up(Family::ALL, false);
    (0..100).for_each(|number| table.set(host(number), Some(med(1))));
    drain(&mut table, &mut peer);
    peer.messages.clear();
    for number in 0..50 {
        table.set(host(100 + number), Some(med(number.into())));
        table.set(host6(number), Some(med(7)));
        table.set(host(number), None);
    }
    drain(&mut table, &mut peer);
    assert_eq!(peer.messages.iter().position(|message| *message == "announce"), Some(1));
    assert_eq!(peer.messages.len(), 1 + 50 + 1);
}

#[test]
fn a_group_that_never_ends_does_not_stop_the_others() {
    let mut table = AdjRibOut::default();
    let mut peer = peer(1);
    table.up(Family::ALL, false);
    drain(&mut table, &mut peer);
    table.set(host(0), Some(med(1)));
    table.set(host(1), Some(med(1)));
    table.set(host(200), Some(med(2)));
    for turn in 2..100 {
        table.set(host(turn), Some(med(1)));
        assert_eq!(table.next(&mut peer), Next::Written);
    }
    assert!(peer.routes.contains_key(&host(200)));
}

#[test]
fn what_cannot_be_written_is_told_and_withdrawn() {
    let mut table = AdjRibOut::default();
    let mut peer = peer(10);
    peer.unwritable = Some(9);
    table.up([Family::Ipv4], false);
    table.set(host(1), Some(med(1)));
    table.set(host(2), Some(med(1)));
    drain(&mut table, &mut peer);
    table.set(host(1), Some(med(9)));
    assert_eq!(table.next(&mut peer), Next::Unsendable { prefixes: vec![host(1)], error: "too long" });
    drain(&mut table, &mut peer);
    assert_eq!(peer.routes.keys().copied().collect::<Vec<_>>(), [host(2)]);
    table.set(host(1), Some(med(1)));
    drain(&mut table, &mut peer);
    assert!(table.has(host(1)));
}

#[test]
fn a_flood_of_refreshes_is_a_few() {
    let mut table = AdjRibOut::default();
    let mut peer = peer(10);
    table.set(host(1), Some(med(1)));
    for enhanced in [false, true] {
        table.up(Family::ALL, enhanced);
        drain(&mut table, &mut peer);
        peer.messages.clear();
        for _ in 0..10_000 {
            table.refresh(Family::Ipv4);
            table.refresh(Family::Ipv6);
        }
        let messages = drain(&mut table, &mut peer);
        assert!(messages <= 12, "{:?}", peer.messages);
        assert!(peer.messages.contains(&"announce"));
    }
}

#[derive(Clone, Debug)]
enum Step {
    Set(u8, Option<u32>),
    Up(bool, bool),
    Down,
    Refresh(bool),
    Write(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (any::<u8>(), proptest::option::weighted(0.7, 0_u32..4)).prop_map(|(n, a)| Step::Set(n % 24, a)),
        1 => any::<(bool, bool)>().prop_map(|(both, enhanced)| Step::Up(both, enhanced)),
        1 => Just(Step::Down),
        2 => any::<bool>().prop_map(Step::Refresh),
        8 => (1_u8..6).prop_map(Step::Write),
    ]
}

/// Half of them IPv6.
fn numbered(number: u8) -> Prefix {
    if number.is_multiple_of(2) { host(number) } else { host6(number) }
}

proptest! {
    /// However it is changed, asked and interrupted: in the end the peer has what it is to have, and `sent` always says
    /// what it has.
    #[test]
    fn the_peer_ends_with_what_it_is_to_have(
        steps in proptest::collection::vec(step(), 0..200),
        room in 1_usize..5,
        unwritable in proptest::option::weighted(0.2, 0_u32..4),
    ) {
        let mut table = AdjRibOut::default();
        let mut wanted: BTreeMap<Prefix, u32> = BTreeMap::new();
        let mut session: Option<(BTreeSet<Family>, Peer)> = None;
        for step in steps {
            match step {
                Step::Set(number, attributes) => {
                    let prefix = numbered(number);
                    match attributes {
                        Some(attributes) => wanted.insert(prefix, attributes),
                        None => wanted.remove(&prefix),
                    };
                    table.set(prefix, attributes.map(med));
                }
                Step::Up(both, enhanced) => {
                    let families: BTreeSet<_> = Family::ALL.into_iter().take(if both { 2 } else { 1 }).collect();
                    table.up(families.clone(), enhanced);
                    session = Some((families, Peer { room, unwritable, ..Peer::default() }));
                }
                Step::Down => {
                    table.down();
                    session = None;
                }
                Step::Refresh(v6) => table.refresh(if v6 { Family::Ipv6 } else { Family::Ipv4 }),
                Step::Write(messages) => {
                    let mut nobody = Peer::default();
                    let peer = session.as_mut().map_or(&mut nobody, |(_, peer)| peer);
                    for _ in 0..messages {
                        if let Next::Unsendable { prefixes, .. } = table.next(peer) {
                            wanted.retain(|prefix, _| !prefixes.contains(prefix));
                        }
                    }
                }
            }
            prop_assert_eq!(table.desired(), wanted.len());
            if let Some((_, peer)) = &session {
                for number in 0..24 {
                    let prefix = numbered(number);
                    prop_assert!(!peer.routes.contains_key(&prefix) || table.has(prefix), "{prefix} is out unknown");
                }
            }
        }
        if let Some((families, mut peer)) = session {
            while match table.next(&mut peer) {
                Next::Nothing => false,
                Next::Written => true,
                Next::Unsendable { prefixes, .. } => {
                    wanted.retain(|prefix, _| !prefixes.contains(prefix));
                    true
                }
            } {}
            wanted.retain(|prefix, _| families.contains(&prefix.family()));
            let has: BTreeMap<_, _> = peer.routes.iter().map(|(p, a)| (*p, a.med.unwrap())).collect();
            prop_assert_eq!(&has, &wanted);
            prop_assert!(table.is_settled());
            let ends: BTreeSet<_> = peer.ends.iter().copied().collect();
            prop_assert_eq!(ends.len(), peer.ends.len(), "one End-of-RIB per family");
            prop_assert_eq!(ends, families.clone());
            for family in families {
                prop_assert_eq!(table.sent(family), has.keys().filter(|prefix| prefix.family() == family).count());
            }
        } else {
            prop_assert!(table.is_settled());
        }
    }
}
