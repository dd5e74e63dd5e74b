//! Statuses and configuration in, words out.

use herald_compiler::object::{BgpAdvertisement, IpAddressPool, L2Advertisement, LabelSelector, ObjectMeta};
use herald_compiler::{Objects, compile};
use serde_json::json;

use super::*;

fn seen(addresses: &[&str]) -> SeenService {
    let ingress: Vec<_> = addresses.iter().map(|ip| json!({"ip": ip})).collect();
    let service = json!({
        "metadata": {
            "namespace": "shop", "name": "web", "uid": "u", "resourceVersion": "1", "labels": {"app": "web"},
            "annotations": {"metallb.io/ip-allocated-from-pool": "public"},
        },
        "spec": {"type": "LoadBalancer", "clusterIPs": ["10.96.0.1"], "ports": [{"port": 80}]},
        "status": {"loadBalancer": {"ingress": ingress}},
    });
    SeenService::of(serde_json::from_value(service).unwrap())
}

fn meta(name: &str) -> ObjectMeta {
    ObjectMeta { name: name.into(), ..ObjectMeta::default() }
}

fn selecting(name: &str, app: &str) -> L2Advertisement {
    let selector = LabelSelector { match_labels: [("app".into(), app.into())].into(), ..LabelSelector::default() };
    L2Advertisement { service_selectors: vec![selector], ..everything(name) }
}

fn everything(name: &str) -> L2Advertisement {
    L2Advertisement { meta: meta(name), ..L2Advertisement::default() }
}

fn config(pools: &[&str], advertisements: Vec<L2Advertisement>) -> Config {
    let pool = |name: &&str| IpAddressPool {
        meta: meta(name),
        addresses: vec!["192.0.2.0/24".into()],
        auto_assign: true,
        ..IpAddressPool::default()
    };
    let pools = pools.iter().map(pool).collect();
    let objects = Objects { pools, l2_advertisements: advertisements, ..Objects::default() };
    (*compile(&objects).config).clone()
}

fn on(node: &str) -> Said {
    Said::Announced(node.into())
}

fn nobody() -> Said {
    Said::Unannounced { reason: "NoReadyEndpoints".into(), message: "no endpoint".into() }
}

/// `status reason: message`, or what else is to be said.
fn words(config: &Config, said: &[Said]) -> String {
    match say(&seen(&["192.0.2.1"]), config, said.iter()) {
        Saying::Condition(AnnouncedCondition { status, reason, message }) => format!("{status} {reason}: {message}"),
        other => format!("{other:?}"),
    }
}

#[test]
fn nothing_about_a_service_without_an_address() {
    let config = config(&["public"], vec![everything("all")]);
    assert_eq!(say(&seen(&[]), &config, [on("a")].iter()), Saying::Nothing);
}

#[test]
fn who_announces_comes_before_who_says_that_nobody_does() {
    let config = config(&["public"], vec![everything("all")]);
    for said in [vec![nobody(), on("a")], vec![on("a"), nobody(), Said::Nothing]] {
        assert_eq!(words(&config, &said), "true Announced: announced from node \"a\" with protocol \"layer2\"");
    }
    let both = words(&config, &[on("b"), on("a"), on("a")]);
    assert_eq!(both, "true Announced: announced from nodes \"a\", \"b\" with protocol \"layer2\"");
    assert_eq!(words(&config, &[Said::Nothing, nobody()]), "false NoReadyEndpoints: no endpoint");
    assert_eq!(words(&config, &[]), "Silence");
    assert_eq!(words(&config, &[Said::Nothing]), "Silence");
}

#[test]
fn routes_are_announcements_too_and_bgp_advertisements_select_as_well() {
    let routed = |node: &str| Said::Routed(node.into());
    let both = config(&["public"], vec![everything("all")]);
    let said = words(&both, &[on("a"), nobody(), routed("b"), routed("a")]);
    let wanted = "from node \"a\" with protocol \"layer2\" and from nodes \"a\", \"b\" with protocol \"bgp\"";
    assert_eq!(said, format!("true Announced: announced {wanted}"));
    let bgp = |selectors: Vec<LabelSelector>| {
        let pool = IpAddressPool {
            meta: meta("public"),
            addresses: vec!["192.0.2.0/24".into()],
            auto_assign: true,
            ..IpAddressPool::default()
        };
        let advertisement =
            BgpAdvertisement { meta: meta("bgp"), service_selectors: selectors, ..BgpAdvertisement::default() };
        let objects = Objects { pools: vec![pool], bgp_advertisements: vec![advertisement], ..Objects::default() };
        (*compile(&objects).config).clone()
    };
    assert_eq!(words(&bgp(vec![]), &[]), "Silence", "an advertisement selects it, and the speakers are still to speak");
    let said = words(&bgp(vec![]), &[routed("a")]);
    assert_eq!(said, "true Announced: announced from node \"a\" with protocol \"bgp\"");
    let selector = LabelSelector { match_labels: [("app".into(), "db".into())].into(), ..LabelSelector::default() };
    let said = words(&bgp(vec![selector]), &[]);
    assert!(said.contains("serviceSelectors of BGPAdvertisement \"bgp\""), "{said}");
}

#[test]
fn what_follows_from_the_configuration_no_speaker_has_to_say() {
    let bare = config(&["public"], vec![]);
    let said = words(&bare, &[]);
    assert!(
        said.starts_with("false NoAdvertisementSelectsPool: no L2Advertisement or BGPAdvertisement covers"),
        "{said}"
    );
    assert_eq!(words(&bare, &[nobody()]), said, "whatever a speaker said before");
    let others = config(&["public"], vec![selecting("a", "db"), selecting("b", "mail")]);
    let said = words(&others, &[]);
    assert!(said.contains("serviceSelectors of L2Advertisement \"a\", \"b\""), "{said}");
    assert_eq!(words(&config(&["public"], vec![selecting("a", "db"), selecting("b", "web")]), &[]), "Silence");
}

#[test]
fn what_is_announced_for_its_past_only_says_so() {
    let said = words(&config(&[], vec![everything("all")]), &[on("a")]);
    assert!(said.starts_with("true Announced: ") && said.contains("its pool is gone"), "{said}");
    let said = words(&config(&["public"], vec![]), &[on("a")]);
    assert!(said.contains("not for long: no L2Advertisement or BGPAdvertisement covers"), "{said}");
    assert_eq!(words(&config(&[], vec![]), &[]), "Silence", "an orphan's end is the speakers' to tell");
}

#[test]
fn events_tell_the_turns_and_nothing_else() {
    let yes = |message: &str| AnnouncedCondition { status: true, reason: "Announced".into(), message: message.into() };
    let no = |reason: &str| AnnouncedCondition { status: false, reason: reason.into(), message: "why".into() };
    let event = |before: Option<AnnouncedCondition>, after: &AnnouncedCondition| {
        let seen = SeenService { announced: before, ..seen(&["192.0.2.1"]) };
        notice(&seen, after).map(|notice| format!("{}: {}", notice.reason, notice.note))
    };
    assert_eq!(event(None, &yes("from a")), None, "MetalLB's nodeAssigned says so already");
    assert_eq!(event(Some(yes("from a")), &yes("from b")), None);
    assert_eq!(event(Some(yes("from a")), &no("NoReadyEndpoints")).unwrap(), "NotAnnounced: NoReadyEndpoints: why");
    assert_eq!(event(None, &no("NoEligibleNode")).unwrap(), "NotAnnounced: NoEligibleNode: why");
    assert_eq!(event(Some(no("NoEligibleNode")), &no("NoReadyEndpoints")), None);
    assert_eq!(event(Some(no("NoEligibleNode")), &yes("from b")).unwrap(), "Announced: from b");
}
