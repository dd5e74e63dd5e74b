//! Two enemies of the membership: one outside, whose bytes are dropped and change nothing, and one inside, whose sealed
//! datagrams have any content. Neither makes it panic, stall, or grow without bound.
//!
//! The input is read as steps of `kind, length, life, pause` and `length` bytes of content.
#![no_main]

use std::net::SocketAddr;
use std::time::Duration;

use herald_membership::forge::Forgery;
use herald_membership::{Config, KeyRing, MAX_DATAGRAM, MAX_MACS, Membership, Output, Timing};
use libfuzzer_sys::fuzz_target;

const CLUSTER: &str = "cluster";
const OUR_BOOT: u64 = 2_000;
const THEIR_BOOT: u64 = 1_000;
/// One listed node, and the room for unlisted ones.
const MOST_MEMBERS: usize = 1 + 32;

fuzz_target!(|input: &[u8]| {
    let Ok(keys) = KeyRing::new(b"0123456789abcdef", None, None) else { return };
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
    while let Some(([kind, length, life, pause], after)) = rest.split_first_chunk() {
        let (content, after) = after.split_at(usize::from(*length).min(after.len()));
        rest = after;
        counter += 1;
        if *kind == 0 {
            let members = membership.members().count();
            assert!(membership.receive(peer, content, now).is_err(), "nobody guesses a seal");
            assert_eq!(membership.members().count(), members);
        } else {
            let sections = [(kind % 8, content)];
            let forgery = Forgery {
                from: if kind & 0x80 == 0 { "a" } else { "stranger" },
                boot: THEIR_BOOT,
                counter,
                from_rank: THEIR_BOOT + u64::from(life >> 4),
                to: "b",
                to_rank: OUR_BOOT + u64::from(life & 0x0f),
                sections: &sections,
            };
            let _ = membership.receive(peer, &forgery.seal(&keys, CLUSTER), now);
        }
        now += Duration::from_millis(u64::from(*pause) * 4);
        for call in 0.. {
            assert!(call < 20, "a deadline that never passes");
            while let Some(output) = membership.poll_output() {
                match output {
                    Output::Send { datagram, .. } => assert!(datagram.len() <= MAX_DATAGRAM),
                    Output::Quiet { node } if life & 1 == 0 => drop(membership.confirm_quiet(&node, now)),
                    Output::Quiet { node } => membership.deny_quiet(&node, now),
                    _ => {}
                }
            }
            if membership.next_deadline().is_none_or(|due| due > now) {
                break;
            }
            membership.handle_deadline(now);
        }
        assert!(membership.members().count() <= MOST_MEMBERS);
        for facts in membership.members().filter_map(|member| member.facts) {
            assert!(facts.macs.len() <= MAX_MACS && facts.macs.is_sorted_by(|a, b| a < b));
        }
    }
    let counters = membership.counters();
    assert_eq!(counters.received, counters.accepted + counters.dropped_total());
});
