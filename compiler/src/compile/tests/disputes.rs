//! Advertisements that say something else of the same routes.

use super::{compile, meta, pool, says, selects};
use crate::object::{BgpAdvertisement, Objects};
use crate::verdict::{ConditionType, Kind};

fn prefers(name: &str, created: i64, local_pref: i64) -> BgpAdvertisement {
    BgpAdvertisement { meta: meta(name, created), local_pref: Some(local_pref), ..BgpAdvertisement::default() }
}

/// What is said of `names`, in that order.
fn accepted<const N: usize>(all: Vec<BgpAdvertisement>, names: [&str; N]) -> [String; N] {
    let pools = vec![pool("dual", 1, &["10.0.0.0/16", "fd00::/64"]), pool("v4", 1, &["10.1.0.0/16"])];
    let compilation = compile(&Objects { pools, bgp_advertisements: all.clone(), ..Objects::default() });
    assert_eq!(compilation.config.bgp_advertisements().len(), all.len(), "nothing is left out");
    names.map(|name| says(&compilation.verdicts, Kind::BgpAdvertisement, name, ConditionType::Accepted))
}

#[test]
fn the_older_advertisement_decides_and_the_younger_says_so() {
    let [old, young] = accepted(vec![prefers("a-young", 2, 200), prefers("z-old", 1, 100)], ["z-old", "a-young"]);
    assert!(old.starts_with("true"), "{old}");
    assert_eq!(
        young,
        "false ConflictingAdvertisement: localPref 200 is not used where BGPAdvertisement \"z-old\", which is older, \
         announces the same routes of pool \"dual\" with localPref 100: write the same localPref in both, or give them \
         different peers, nodes or aggregation lengths"
    );
}

#[test]
fn who_does_not_meet_does_not_conflict() {
    let base = || prefers("young", 2, 200);
    let peers = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let old = || BgpAdvertisement { peers: peers(&["a", "b"]), ..prefers("old", 1, 100) };
    let on = |rack: &str, one: BgpAdvertisement| BgpAdvertisement {
        node_selectors: vec![selects(&[("rack", rack)])],
        ..one
    };
    let cases = [
        ("other peers", old(), BgpAdvertisement { peers: peers(&["c"]), ..base() }, true),
        ("a common peer", old(), BgpAdvertisement { peers: peers(&["b"]), ..base() }, false),
        ("equal", old(), BgpAdvertisement { local_pref: Some(100), ..base() }, true),
        ("no opinion", old(), BgpAdvertisement { local_pref: Some(0), ..base() }, true),
        ("another length of IPv4", old(), BgpAdvertisement { aggregation_length: 24, ..base() }, false),
        (
            "other lengths",
            old(),
            BgpAdvertisement { aggregation_length: 24, aggregation_length_v6: 80, ..base() },
            true,
        ),
        (
            "another length of IPv4, of a pool without IPv6",
            old(),
            BgpAdvertisement { aggregation_length: 24, ip_address_pools: vec!["v4".into()], ..base() },
            true,
        ),
        ("for some Services", old(), BgpAdvertisement { service_selectors: vec![selects(&[])], ..base() }, true),
        ("perhaps other nodes", on("a", old()), on("b", base()), true),
        ("the same nodes", on("a", old()), on("a", base()), false),
        ("all nodes, and some", old(), on("b", base()), false),
    ];
    for (what, old, young, fine) in cases {
        let [said] = accepted(vec![old, young], ["young"]);
        assert_eq!(said.starts_with("true"), fine, "{what}: {said}");
    }
}

#[test]
fn of_many_each_names_the_oldest_that_it_meets() {
    let all = (0..40).map(|n| prefers(&format!("a{n:02}"), n, 100 + n)).collect();
    let [first, second, last] = accepted(all, ["a00", "a01", "a39"]);
    assert!(first.starts_with("true"));
    assert!(second.contains("\"a00\"") && last.contains("\"a00\""), "{last}");
}

/// Every pair is looked at, so a pair must be cheap.
#[test]
fn a_thousand_advertisements_for_as_many_peers_are_no_burden() {
    let all =
        (0..1000).map(|n| BgpAdvertisement { peers: vec![format!("peer-{n}")], ..prefers(&format!("a{n}"), n, n) });
    let pools = (0..50).map(|n| pool(&format!("p{n}"), 1, &[&format!("10.{n}.0.0/16")])).collect();
    let compilation = compile(&Objects { pools, bgp_advertisements: all.collect(), ..Objects::default() });
    let accepted = |verdict: &crate::Verdict| verdict.is_accepted();
    assert!(compilation.verdicts.iter().all(accepted));
}
