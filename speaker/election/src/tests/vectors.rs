//! Orders that MetalLB computes.

use std::net::IpAddr;

use crate::{Candidate, Memo, digest, rank};

fn order(address: &str, nodes: &[&'static str]) -> Vec<&'static str> {
    let address: IpAddr = address.parse().unwrap();
    let candidates = nodes.iter().map(|node| Candidate { node, score: 0, cordoned: false });
    rank(address, candidates).into_iter().map(|c| c.node).collect()
}

#[test]
fn agrees_with_metallb() {
    let abc = ["node-a", "node-b", "node-c"];
    assert_eq!(order("10.0.0.1", &abc), ["node-b", "node-a", "node-c"]);
    assert_eq!(order("10.0.0.2", &abc), ["node-b", "node-c", "node-a"]);
    assert_eq!(order("10.20.30.1", &["iris1", "iris2"]), ["iris2", "iris1"]);
    let four = ["edge-a", "edge-b", "worker-a", "worker-b"];
    assert_eq!(order("10.20.30.1", &four), ["edge-b", "worker-a", "edge-a", "worker-b"]);
}

#[test]
fn addresses_are_written_as_go_writes_them() {
    let of = |text: &str| digest("node", text.parse().unwrap());
    assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
    assert_eq!(of("2001:DB8:0:0:0:0:0:1"), of("2001:db8::1"));
    assert_ne!(of("2001:db8::1"), of("2001:db8::2"));
}

#[test]
fn a_memo_forgets_and_starts_afresh_without_changing_any_order() {
    let nodes: Vec<String> = (0..20).map(|i| format!("node-{i}")).collect();
    let candidates = || nodes.iter().map(|node| Candidate { node, score: 0, cordoned: false });
    let mut memo = Memo::with_capacity(50);
    for round in 0..3u8 {
        for last in 0..10u8 {
            let address = IpAddr::from([10, 0, 0, last]);
            assert_eq!(memo.rank(address, candidates()), rank(address, candidates()), "round {round}");
            if last % 3 == 0 {
                memo.forget(address);
                memo.forget(address);
            }
        }
    }
}
