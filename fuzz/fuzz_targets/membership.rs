//! Three enemies of the membership: one outside, whose bytes are dropped and change nothing; one that recorded what was
//! sent, or has another key, another cluster, another version; and one inside, whose sealed datagrams have any content.
//! None makes it panic, stall, or grow without bound.
//!
//! The input is read as steps of `kind, length, life, pause` and `length` bytes of content.
#![no_main]

use std::net::SocketAddr;
use std::time::Duration;

use herald_membership::forge::Forgery;
use herald_membership::{Config, Facts, KeyRing, MAX_DATAGRAM, MAX_MACS, Membership, Output, Timing};
use libfuzzer_sys::fuzz_target;

const CLUSTER: &str = "cluster";
const KEY: &[u8] = b"0123456789abcdef";
const OUR_BOOT: u64 = 2_000;
const THEIR_BOOT: u64 = 1_000;
/// One listed node, and the room for unlisted ones.
const MOST_MEMBERS: usize = 1 + 32;

const SWIM: u8 = 1;
const RECORD: u8 = 2;

/// A node as it is written into foca's messages.
fn put_identity(bytes: &mut Vec<u8>, node: &str, boot: u64, rank: u64, last: u8) {
    bytes.push(node.len() as u8);
    bytes.extend(node.as_bytes());
    bytes.extend(boot.to_be_bytes());
    bytes.extend(rank.to_be_bytes());
    bytes.extend([4, 192, 0, 2, last, 0x1f, 0x0a]);
}

/// All that a datagram could change for those who ask.
fn picture(membership: &Membership) -> Vec<(String, u64, SocketAddr, Option<Facts>, Option<Duration>)> {
    let members = membership.members();
    members.map(|m| (m.node.to_string(), m.boot_id, m.address, m.facts.cloned(), m.last_heard)).collect()
}

/// Does what is due, and checks what is sent.
fn settle(membership: &mut Membership, now: Duration, answers: bool) {
    for call in 0.. {
        assert!(call < 20, "a deadline that never passes");
        while let Some(output) = membership.poll_output() {
            match output {
                Output::Send { datagram, .. } => assert!(datagram.len() <= MAX_DATAGRAM),
                Output::Quiet { node } if answers => membership.deny_quiet(&node, now),
                Output::Quiet { node } => drop(membership.confirm_quiet(&node, now)),
                _ => {}
            }
        }
        if membership.next_deadline().is_none_or(|due| due > now) {
            break;
        }
        membership.handle_deadline(now);
    }
}

fuzz_target!(|input: &[u8]| {
    let Ok(keys) = KeyRing::new(KEY, None, None) else { return };
    let Ok(other_keys) = KeyRing::new(b"fedcba9876543210", None, None) else { return };
    let peer = SocketAddr::from(([192, 0, 2, 1], 7946));
    let config = Config {
        node: "b".to_owned(),
        address: SocketAddr::from(([192, 0, 2, 2], 7946)),
        boot_id: OUR_BOOT,
        cluster_uid: CLUSTER.to_owned(),
        timing: Timing::default(),
        seed: [1; 32],
    };
    let mut now = Duration::from_secs(1);
    let mut membership = Membership::new(config, keys.clone()).expect("the configuration is good");
    membership.set_nodes([("a".to_owned(), peer)], now);
    membership.set_ready(["a".to_owned()], now);
    membership.watch(["a", "stranger"], now);

    let mut rest = input;
    let mut counter = 0;
    let mut taken = Vec::new();
    while let Some(([kind, length, life, pause], after)) = rest.split_first_chunk() {
        let (content, after) = after.split_at(usize::from(*length).min(after.len()));
        rest = after;
        counter += 1;
        let from = if kind & 0x80 == 0 { "a" } else { "stranger" };
        let (from_rank, to_rank) = (THEIR_BOOT + u64::from(life >> 4), OUR_BOOT + u64::from(life & 0x0f));
        // What foca reads before its message, and what stands before the facts in a record.
        let mut swim = Vec::new();
        put_identity(&mut swim, from, THEIR_BOOT, from_rank, 1);
        swim.extend([0, *pause]);
        put_identity(&mut swim, "b", OUR_BOOT, to_rank, 2);
        swim.extend(content);
        let mut record = vec![from.len() as u8];
        record.extend(from.as_bytes());
        record.extend(THEIR_BOOT.to_be_bytes());
        record.extend(from_rank.to_be_bytes());
        record.extend([0, 0, 0, *pause]);
        record.extend(content);
        let (front, back) = content.split_at(content.len() / 2);
        let every = [(SWIM, front), (RECORD, back), (3, front), (4, back)];
        let sections: &[(u8, &[u8])] = match kind & 0x0f {
            4 => &[(SWIM, &swim)],
            5 => &[(RECORD, &record)],
            6 => &[(SWIM, &swim), (RECORD, &record)],
            7 => &every,
            other => &[(other & 7, content)],
        };
        let boot = THEIR_BOOT;
        let forgery = Forgery { from, boot, counter, from_rank, to: "b", to_rank, sections };
        let good = || forgery.seal(&keys, CLUSTER);
        let outside: Option<Vec<u8>> = match kind & 0x0f {
            0 => Some(content.to_vec()),
            1 => Some(std::mem::take(&mut taken)),
            2 => Some(match life % 4 {
                0 => forgery.seal(&other_keys, CLUSTER),
                1 => forgery.seal(&keys, "another cluster"),
                2 => forgery.seal(&KeyRing::insecure(), CLUSTER),
                _ => forgery.seal_as([1 + (pause >> 4), 2 + (pause & 0x0f)], &keys, CLUSTER),
            }),
            3 => {
                let mut damaged = good();
                let place = usize::from(*pause) % damaged.len();
                damaged[place] ^= 1 << (life % 8);
                Some(damaged)
            }
            _ => None,
        };
        if let Some(datagram) = outside {
            let before = picture(&membership);
            assert!(membership.receive(peer, &datagram, now).is_err(), "nobody guesses a seal");
            assert_eq!(picture(&membership), before);
        } else if membership.receive(peer, &good(), now).is_ok() {
            taken = good();
        }
        // One step in 16 is a long one: the dead are forgotten after ten minutes.
        now += Duration::from_millis(if kind & 0x70 == 0x70 { 601_000 } else { u64::from(*pause) * 4 });
        settle(&mut membership, now, life & 1 == 1);
        assert!(membership.members().count() <= MOST_MEMBERS);
        for facts in membership.members().filter_map(|member| member.facts) {
            assert!(facts.macs.len() <= MAX_MACS && facts.macs.is_sorted_by(|a, b| a < b));
        }
    }
    let counters = membership.counters();
    assert_eq!(counters.received, counters.accepted + counters.dropped_total());
});
