//! The status of BGP's configuration objects.

use herald_compiler::object::{BgpAdvertisement, BgpPeer, Community, CommunityAlias, ObjectMeta};
use herald_compiler::verdict::Kind;

use super::*;
use crate::allocate::StatusWrite;
use crate::compile::{Seen, SeenStatus};
use crate::watch::Observed;

fn meta(name: &str) -> ObjectMeta {
    ObjectMeta { name: name.into(), uid: name.into(), generation: 1, ..ObjectMeta::default() }
}

fn seen<T>(object: T) -> Seen<T> {
    Seen { object, status: SeenStatus::default() }
}

fn peer(name: &str, my_asn: i64) -> Seen<BgpPeer> {
    seen(BgpPeer {
        meta: meta(name),
        my_asn,
        peer_asn: Some(64513),
        peer_address: Some("192.0.2.1".into()),
        peer_port: 179,
        ..BgpPeer::default()
    })
}

fn advertisement(communities: &[&str], peers: &[&str]) -> Seen<BgpAdvertisement> {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    seen(BgpAdvertisement {
        meta: meta("adv"),
        communities: names(communities),
        peers: names(peers),
        ..BgpAdvertisement::default()
    })
}

fn names(entries: &[(&str, &str)]) -> Seen<Community> {
    let entry = |(name, value): &(&str, &str)| CommunityAlias { name: (*name).into(), value: (*value).into() };
    seen(Community { meta: meta("names"), communities: entries.iter().map(entry).collect() })
}

/// The writes that are due once things have settled, as `kind name: condition=reason …`, done.
fn writes(c: &mut Cluster) -> Vec<String> {
    let mut said = Vec::new();
    c.now += Duration::from_secs(2);
    for job in c.jobs() {
        if let Job::Status(StatusWrite { verdict, counters, .. }) = &job {
            let conditions: Vec<_> =
                verdict.conditions.iter().map(|one| format!("{}={}", one.kind.as_str(), one.reason.as_str())).collect();
            said.push(format!("{} {}: {}", verdict.kind.as_str(), verdict.name, conditions.join(" ")));
            assert_eq!(counters.is_some(), verdict.kind == Kind::IpAddressPool);
        }
        c.perform(job);
    }
    c.notices.extend(c.index.take_notices());
    said
}

#[test]
fn bgp_objects_are_told_what_is_made_of_them_once() {
    let mut c = Cluster::new(vec![]);
    let now = c.now;
    c.index.observe(Observed::BfdProfile(Change::Reset(vec![])), now);
    c.index.observe(Observed::BgpPeer(Change::Reset(vec![peer("bad", 0), peer("good", 64512)])), now);
    c.index.observe(Observed::Community(Change::Reset(vec![names(&[("vpn", "x")])])), now);
    c.index.observe(Observed::BgpAdvertisement(Change::Reset(vec![advertisement(&["vpn"], &["good"])])), now);
    assert_eq!(
        writes(&mut c),
        [
            "BGPAdvertisement adv: Accepted=CommunityNotFound ResolvedRefs=CommunityNotFound",
            "BGPPeer bad: Accepted=InvalidPeer",
            "BGPPeer good: Accepted=Accepted",
            "Community names: Accepted=InvalidCommunity",
        ]
    );
    let events = c.events();
    assert!(events.iter().any(|event| event.starts_with("InvalidPeer: 0 is not an AS number")), "{events:?}");
    assert_eq!(writes(&mut c), Vec::<String>::new());
    // One object put right is one object to write, and those that name it.
    let now = c.now;
    c.index.observe(Observed::Community(Change::Applied(names(&[("vpn", "64512:1")]))), now);
    assert_eq!(
        writes(&mut c),
        ["BGPAdvertisement adv: Accepted=Accepted ResolvedRefs=ResolvedRefs", "Community names: Accepted=Accepted",]
    );
    let now = c.now;
    c.index.observe(Observed::BgpPeer(Change::Deleted(peer("good", 64512))), now);
    assert_eq!(writes(&mut c), ["BGPAdvertisement adv: Accepted=Accepted ResolvedRefs=PeerNotFound"]);
}

#[test]
fn nothing_is_missing_before_it_could_be_seen() {
    let mut c = Cluster::new(vec![]);
    let now = c.now;
    c.index.observe(Observed::BgpAdvertisement(Change::Reset(vec![advertisement(&["vpn"], &["good"])])), now);
    assert_eq!(writes(&mut c), Vec::<String>::new());
    let now = c.now;
    c.index.observe(Observed::BgpPeer(Change::Reset(vec![peer("good", 64512)])), now);
    assert_eq!(writes(&mut c), Vec::<String>::new());
    let now = c.now;
    c.index.observe(Observed::Community(Change::Reset(vec![names(&[("vpn", "64512:1")])])), now);
    c.index.observe(Observed::BfdProfile(Change::Reset(vec![])), now);
    assert_eq!(
        writes(&mut c),
        [
            "BGPAdvertisement adv: Accepted=Accepted ResolvedRefs=ResolvedRefs",
            "BGPPeer good: Accepted=Accepted",
            "Community names: Accepted=Accepted",
        ]
    );
    assert_eq!(c.events(), Vec::<String>::new());
}

#[test]
fn a_mistake_in_a_peer_shows_in_the_configuration_state() {
    let mut c = Cluster::new(vec![]);
    let now = c.now;
    c.index.observe(Observed::State(Change::Reset(vec![])), now);
    c.index.observe(Observed::BfdProfile(Change::Reset(vec![])), now);
    c.index.observe(Observed::BgpPeer(Change::Reset(vec![peer("bad", 0)])), now);
    writes(&mut c);
    let state = c.server.state.clone().unwrap();
    assert_eq!(state.result.as_deref(), Some("Invalid"));
    assert!(state.summary.unwrap().starts_with("BGPPeer bad: InvalidPeer: 0 is not an AS number"));
}
