//! Hostile and broken input: what anybody on the network can send, what was recorded, and what a member could forge.

mod forged;
mod hostile;
mod previous;
mod watched;

use std::net::SocketAddr;
use std::time::Duration;

use super::Membership;
use crate::config::{Config, Timing};
use crate::keys::KeyRing;
use crate::output::Output;

const UID: &str = "cluster";

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, last], 7946))
}

fn keys() -> KeyRing {
    KeyRing::new(b"0123456789abcdef", None, None).unwrap()
}

/// `a` is at .1, `b` at .2, …; each lists a, b and c.
fn member(node: &str, boot_id: u64, now: Duration) -> Membership {
    let last = node.as_bytes()[0] - b'a' + 1;
    let config = Config {
        node: node.into(),
        address: address(last),
        boot_id,
        cluster_uid: UID.into(),
        timing: Timing::default(),
        seed: [last; 32],
    };
    let mut membership = Membership::new(config, keys()).unwrap();
    membership.set_nodes(["a", "b", "c"].map(|n| (n.to_owned(), address(n.as_bytes()[0] - b'a' + 1))), now);
    membership
}

/// What is to be sent, and everything else.
fn drain(membership: &mut Membership) -> (Vec<(SocketAddr, Vec<u8>)>, Vec<Output>) {
    let (mut sent, mut news) = (Vec::new(), Vec::new());
    while let Some(output) = membership.poll_output() {
        match output {
            Output::Send { to, datagram } => sent.push((to, datagram)),
            other => news.push(other),
        }
    }
    (sent, news)
}

/// Two that know each other, and every datagram that went from `a` to `b` meanwhile.
fn acquainted(now: Duration) -> (Membership, Membership, Vec<Vec<u8>>) {
    let (mut a, mut b) = (member("a", 1_000, now), member("b", 2_000, now));
    let mut recorded = Vec::new();
    for step in 0..50 {
        let now = now + ms(10 * step);
        for (to, datagram) in drain(&mut a).0 {
            if to == address(2) {
                recorded.push(datagram.clone());
                let _ = b.receive(address(1), &datagram, now);
            }
        }
        for (to, datagram) in drain(&mut b).0 {
            if to == address(1) {
                let _ = a.receive(address(2), &datagram, now);
            }
        }
        a.handle_deadline(now);
        b.handle_deadline(now);
    }
    drain(&mut a);
    drain(&mut b);
    assert!(a.member("b").is_some() && b.member("a").is_some());
    (a, b, recorded)
}

/// All that a datagram could change.
fn picture(membership: &Membership) -> String {
    let peers: Vec<_> = membership
        .peers
        .iter()
        .map(|(node, p)| (node, p.alive, &p.identity, p.last_heard, p.last_answer, p.seen, &p.record, p.acked))
        .collect();
    let swim: Vec<_> = membership.foca.iter_membership_state().collect();
    let (identity, deadline) = (membership.foca.identity(), membership.next_deadline());
    format!("{identity:?} {peers:?} {swim:?} {:?} {deadline:?}", membership.watch)
}
