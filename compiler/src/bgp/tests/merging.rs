//! What is said of a route that several advertisements want.

use proptest::prelude::*;

use super::{advertisement, to, with_lengths};
use crate::Family;
use crate::bgp::{Attributes, Dispute, StandardCommunity, attributes, conflicting};
use crate::config::BgpAdvertisement;

fn said(local_pref: Option<u32>, community: u32) -> Attributes {
    Attributes { local_pref, communities: [StandardCommunity(community)].into(), ..Attributes::default() }
}

fn saying(attributes: Attributes, one: BgpAdvertisement) -> BgpAdvertisement {
    BgpAdvertisement { attributes, ..one }
}

#[test]
fn communities_are_united_and_the_oldest_word_counts() {
    let old = saying(Attributes { med: Some(5), ..said(None, 1) }, advertisement("z-old", 1));
    let middle = saying(Attributes { prepend: Some(2), ..said(Some(200), 2) }, advertisement("m", 2));
    let young = saying(Attributes { med: Some(7), ..said(Some(300), 3) }, advertisement("a-young", 3));
    let told = attributes("r", [&young, &old, &middle, &old]).unwrap();
    assert_eq!((told.local_pref, told.med, told.prepend), (Some(200), Some(5), Some(2)));
    assert_eq!(told.communities, [1, 2, 3].map(StandardCommunity).into());
}

#[test]
fn a_peer_is_told_only_what_is_for_it() {
    let hidden = to(&["other"], saying(said(Some(100), 1), advertisement("hidden", 1)));
    let open = saying(said(Some(200), 2), advertisement("open", 2));
    assert_eq!(attributes("r", [&hidden, &open]), Some(said(Some(200), 2)));
    assert_eq!(attributes("other", [&hidden, &open]).unwrap().local_pref, Some(100));
    assert_eq!(attributes("r", [&hidden]), None);
    assert_eq!(attributes("r", []), None);
}

/// The names of those who conflict over both families.
fn names(all: &[&BgpAdvertisement]) -> Option<(String, String)> {
    let both = [Family::V4, Family::V6];
    conflicting(all.iter().copied(), &both).map(|one| (one.older.name.clone(), one.younger.name.clone()))
}

#[test]
fn who_conflicts() {
    let low = saying(said(Some(100), 1), advertisement("low", 2));
    let high = saying(said(Some(200), 2), advertisement("high", 1));
    assert_eq!(names(&[&low, &high]), Some(("high".into(), "low".into())));
    assert_eq!(names(&[&low, &low]), None, "equal");
    assert_eq!(names(&[&low, &saying(said(None, 1), advertisement("unset", 1))]), None, "no opinion");
    // The same prefix in one family is enough to disagree.
    assert!(names(&[&low, &with_lengths(24, 128, high.clone())]).is_some());
    assert_eq!(names(&[&low, &with_lengths(24, 64, high.clone())]), None);
    let wide = with_lengths(24, 128, high.clone());
    assert!(conflicting([&low, &wide], &[Family::V4]).is_none());
    assert_eq!(names(&[&to(&["a", "b"], low.clone()), &to(&["c"], high.clone())]), None, "other peers");
    assert!(names(&[&to(&["a", "b"], low.clone()), &to(&["b"], high.clone())]).is_some());
    assert!(names(&[&to(&["a"], low.clone()), &high]).is_some(), "one is for all peers");
}

#[test]
fn med_and_prepend_can_be_disputed_too() {
    let med = |med| Attributes { med: Some(med), ..Attributes::default() };
    let (a, b) = (saying(med(1), advertisement("a", 1)), saying(med(2), advertisement("b", 2)));
    let conflict = conflicting([&b, &a], &[Family::V4]).unwrap();
    assert_eq!(conflict.dispute, Dispute::Med(1, 2));
    let expected = "herald.med 1 of BGPAdvertisement \"a\" is announced, not 2 of the younger \"b\"";
    assert_eq!(conflict.to_string(), expected);
    let prepend = |times| Attributes { prepend: Some(times), ..Attributes::default() };
    let (a, b) = (saying(prepend(0), advertisement("a", 1)), saying(prepend(1), advertisement("b", 1)));
    assert_eq!(conflicting([&b, &a], &[Family::V6]).unwrap().dispute, Dispute::Prepend(0, 1));
}

proptest! {
    /// Without a conflict everybody's word counts; with one, it is announced all the same.
    #[test]
    fn nobody_is_silenced(
        all in proptest::collection::vec((0..3_i64, proptest::option::of(1..3_u32), 0..4_u32, any::<bool>()), 1..6),
        seed in any::<prop::sample::Index>(),
    ) {
        let all: Vec<_> = all.into_iter().enumerate().map(|(index, (created, local_pref, community, limited))| {
            let one = saying(said(local_pref, community), advertisement(&format!("a{index}"), created));
            if limited { to(&["r"], one) } else { one }
        }).collect();
        let told = attributes("r", &all).unwrap();
        for one in &all {
            prop_assert!(told.communities.is_superset(&one.attributes.communities));
        }
        if conflicting(&all, &[Family::V4]).is_none() {
            for one in all.iter().filter(|one| one.attributes.local_pref.is_some()) {
                prop_assert_eq!(told.local_pref, one.attributes.local_pref);
            }
        }
        let mut turned = all.clone();
        turned.rotate_left(seed.index(all.len()));
        prop_assert_eq!(attributes("r", &turned), Some(told));
        prop_assert_eq!(conflicting(&turned, &[Family::V4]).map(|one| one.dispute),
            conflicting(&all, &[Family::V4]).map(|one| one.dispute));
    }
}
