//! One member is one version behind: its records name no MAC addresses, and it knows nothing of heartbeats.

use bytes::BufMut;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::{UID, address, drain, keys, member, ms};
use crate::facts::{Facts, Freshness};
use crate::output::Output;
use crate::packet::envelope::{self, Opened};
use crate::packet::record::Record;

const ROUTE: usize = 24;
const RECORD: u8 = 2;
const BEAT: u8 = 4;

/// The datagram as the version before ours would have written it, or would read it.
fn as_previous(datagram: &[u8]) -> Vec<u8> {
    let Opened { sender, body, .. } = envelope::open(datagram, &keys(), UID).unwrap();
    let (route, mut rest) = body.split_at(ROUTE);
    let mut previous = route.to_vec();
    while let [kind, high, low, after @ ..] = rest {
        let (content, after) = after.split_at(usize::from(u16::from_be_bytes([*high, *low])));
        rest = after;
        let length = match *kind {
            BEAT => continue,
            RECORD => {
                let record = Record::get(&mut &content[..]).unwrap();
                content.len() - 1 - 6 * record.facts.macs.len()
            }
            _ => content.len(),
        };
        previous.put_u8(*kind);
        previous.put_u16(u16::try_from(length).unwrap());
        previous.put_slice(&content[..length]);
    }
    envelope::seal(&previous, &sender, &keys(), UID, &mut StdRng::seed_from_u64(sender.counter))
}

#[test]
fn a_member_of_the_version_before_is_met_known_and_missed_like_any() {
    let mut now = ms(5_000);
    let (mut old, mut new) = (member("a", 1_000, now), member("b", 2_000, now));
    let facts = |macs| Facts { protocol: 1, freshness: Freshness::Current, macs, ..Facts::default() };
    old.set_facts(facts(vec![]), now);
    new.set_facts(facts(vec![[2, 0, 0, 0, 0, 1]]), now);
    new.watch(["a"], now);
    let mut news = Vec::new();
    // Six seconds together, then the old one falls silent.
    for step in 0..7_000u64 {
        now += ms(1);
        let alive = step < 6_000;
        if alive {
            let (sent, told) = drain(&mut old);
            for (_, datagram) in sent.into_iter().filter(|(to, _)| *to == address(2)) {
                let read = new.receive(address(1), &as_previous(&datagram), now);
                assert!(read == Ok(()) || step < 100, "{read:?}"); // at first they have to introduce themselves
            }
            assert!(!told.iter().any(|news| matches!(news, Output::MemberDown { .. })));
            old.handle_deadline(now);
        }
        let (sent, told) = drain(&mut new);
        for (_, datagram) in sent.into_iter().filter(|(to, _)| alive && *to == address(1)) {
            let read = old.receive(address(2), &as_previous(&datagram), now);
            assert!(read == Ok(()) || step < 100, "{read:?}");
        }
        news.extend(told);
        new.handle_deadline(now);
        if step == 5_999 {
            assert_eq!(new.member("a").unwrap().facts, Some(&facts(vec![])));
            assert_eq!(old.member("b").unwrap().facts.unwrap().protocol, 1);
            assert_eq!(new.unacknowledged(), 0);
            assert!(
                !news.iter().any(|news| matches!(news, Output::Quiet { .. } | Output::MemberDown { .. })),
                "{news:?}"
            );
        }
    }
    assert!(matches!(news.last(), Some(Output::MemberDown { .. })), "{news:?}");
    assert!(!news.iter().any(|news| matches!(news, Output::Quiet { .. })), "without heartbeats nobody is quiet");
}
