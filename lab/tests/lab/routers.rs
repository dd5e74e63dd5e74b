//! Routers: real daemons that answer, peer with each other, and forward.

#![cfg(test)]

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use herald_lab::prefix::{Family, Prefix};
use herald_lab::probe::{http, spread};
use herald_lab::program::{Invocation, Program};
use herald_lab::router::{
    Announcement, Attributes, Capability, Clear, Daemon, Distance, Neighbor, Origin, Route, Router, Session, Software,
};
use herald_lab::topology::{Machine, Size, Topology, leftovers};
use herald_lab::wire::BgpCapture;
use herald_lab::{clock, place, tool};

const PATIENCE: Duration = Duration::from_secs(20);

/// AS numbers of the two routers; the second needs four octets.
const LEFT: u32 = 64513;
const RIGHT: u32 = 4_200_000_001;

fn until<T>(what: &str, mut ask: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let deadline = clock::now() + PATIENCE;
    loop {
        if let Some(answer) = ask()? {
            return Ok(answer);
        }
        if clock::now() >= deadline {
            bail!("{what}: not within {PATIENCE:?}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn lab(nodes: u8) -> Result<Topology> {
    Topology::create(Size { nodes, clients: 0 })
}

fn prefix(text: &str) -> Prefix {
    text.parse().expect("a prefix")
}

/// A prefix about which everything is said.
fn talked_about(text: &str) -> Announcement {
    let attributes = Attributes {
        med: Some(50),
        local_pref: None,
        prepend: 2,
        communities: [(64513, 1), (64513, 2)].into(),
        large: [(64513, 1, 2), (4_200_000_001, 3, 4)].into(),
        route_targets: [(64513, 7)].into(),
    };
    Announcement { prefix: prefix(text), attributes }
}

fn established(daemon: &Daemon, neighbor: IpAddr) -> Result<Session> {
    until(&format!("{} has a session with {neighbor}", daemon.software()), || {
        Ok(daemon.session(neighbor)?.filter(Session::is_established))
    })
    .with_context(|| format!("{:?}", daemon.sessions()))
}

fn learned(daemon: &Daemon, wanted: Prefix) -> Result<Route> {
    let best = || Ok(daemon.routes_to(wanted)?.into_iter().find(|route| route.best));
    until(&format!("{} has {wanted}", daemon.software()), best)
        .with_context(|| format!("{:?}", daemon.routes_to(wanted)))
}

#[test]
fn each_daemon_answers_and_leaves_nothing() -> Result<()> {
    let lab = lab(0)?;
    let id = lab.id().to_owned();
    let router = Router::attach(&lab, 1)?;
    let namespaces = leftovers::namespaces_of(&id)?;
    for software in Software::ALL {
        let neighbors = Family::BOTH.map(|family| match family {
            Family::V4 => Neighbor::new(lab.control_plane().station.v4(), 64512),
            Family::V6 => Neighbor::new(lab.control_plane().station.v6(), 64512),
        });
        let mut config = router.config(LEFT);
        config.neighbors = neighbors.to_vec();
        for own in ["198.51.100.0/24", "2001:db8:1::/48"] {
            config = config.announcing(talked_about(own));
        }
        let daemon = router.start(software, &config)?;
        let sessions = daemon.sessions()?;
        assert_eq!(sessions.len(), 2, "{software}: {sessions:?}");
        assert!(sessions.iter().all(|session| !session.is_established() && session.asn == 64512), "{sessions:?}");
        for (family, own) in [(Family::V4, "198.51.100.0/24"), (Family::V6, "2001:db8:1::/48")] {
            let route = learned(&daemon, prefix(own))?;
            assert_eq!((route.prefix, route.from), (prefix(own), None), "{software}");
            assert!(daemon.learned(family)?.is_empty(), "{software}");
            assert!(router.kernel_routes(family)?.is_empty(), "its own routes stay out of the kernel");
        }
        daemon.stop()?;
        assert!(leftovers::processes_in(&namespaces)?.is_empty(), "{software} left a process");
        // And once more, over what a killed one left.
        router.start(software, &config)?.kill()?;
        router.start(software, &config)?.stop().with_context(|| format!("{software} after a kill"))?;
    }
    drop(lab);
    assert!(leftovers::namespaces_of(&id)?.is_empty());
    Ok(())
}

/// Two routers of a lab, the left one passive.
fn pair([one, two]: [Router; 2], transport: Family, left: Software, right: Software) -> Result<[(Router, Daemon); 2]> {
    let mut passive = Neighbor::new(two.address(transport), RIGHT).password("swordfish");
    let mut active = Neighbor::new(one.address(transport), LEFT).password("swordfish").active();
    (passive.hold_time, active.hold_time) = (6, 30);
    let mut left_config = one.config(LEFT).with(passive);
    let mut right_config = two.config(RIGHT).with(active);
    for own in ["198.51.100.0/24", "2001:db8:1::/48"] {
        left_config = left_config.announcing(talked_about(own));
    }
    for own in ["203.0.113.7/32", "2001:db8:2::7/128"] {
        right_config = right_config.announcing(Announcement::new(prefix(own)));
    }
    let left = one.start(left, &left_config)?;
    let right = two.start(right, &right_config)?;
    Ok([(one, left), (two, right)])
}

/// The session between the two, and what each knows from the other.
fn peers(transport: Family, left: Software, right: Software) -> Result<()> {
    let lab = lab(0)?;
    let routers = [Router::attach(&lab, 1)?, Router::attach(&lab, 2)?];
    let capture = BgpCapture::start(routers[0].machine(), 179)?;
    let started = clock::now();
    let [(one, left), (two, mut right)] = pair(routers, transport, left, right)?;
    let (left_address, right_address) = (one.address(transport), two.address(transport));

    // The session, as both see it.
    for (daemon, neighbor, asn) in [(&left, right_address, RIGHT), (&right, left_address, LEFT)] {
        let software = daemon.software();
        let session = established(daemon, neighbor)?;
        assert_eq!((session.asn, session.hold_time), (asn, Some(6)), "{software}");
        assert!(
            session.capabilities.is_superset(&BTreeSet::from([
                Capability::FourOctetAsn,
                Capability::RouteRefresh,
                Capability::Routes(Family::V4),
                Capability::Routes(Family::V6),
            ])),
            "{software}: {session:?}"
        );
        assert!(session.router_id.is_some() && session.since.is_some(), "{software}: {session:?}");
    }

    // Everything that is said about a prefix, in the other's table.
    for (family, text) in [(Family::V4, "198.51.100.0/24"), (Family::V6, "2001:db8:1::/48")] {
        let route = learned(&right, prefix(text))?;
        let said = talked_about(text).attributes;
        assert_eq!(route.from, Some(left_address), "{route:?}");
        assert_eq!(route.next_hops.first(), Some(&one.address(family)), "{route:?}");
        assert_eq!((route.as_path.as_slice(), route.origin), (&[LEFT; 3][..], Origin::Igp), "{route:?}");
        assert_eq!(route.med, Some(50), "{route:?}");
        assert_eq!((&route.communities, &route.large), (&said.communities, &said.large), "{route:?}");
        assert_eq!(route.extended, BTreeSet::from(["rt:64513:7".to_owned()]), "{route:?}");
        assert_eq!(right.prefixes_received(left_address, family)?, 1);
        assert_eq!(right.learned(family)?, BTreeSet::from([prefix(text)]));
        if right.software() != Software::Gobgp {
            let kernel = until("the kernel has it", || {
                Ok(two.kernel_routes(family)?.into_iter().find(|route| route.prefix == prefix(text)))
            })?;
            assert_eq!(kernel.hops.len(), 1, "{kernel:?}");
        }
    }
    for text in ["203.0.113.7/32", "2001:db8:2::7/128"] {
        let route = learned(&left, prefix(text))?;
        assert_eq!(route.as_path, [RIGHT], "{route:?}");
        assert!(route.communities.is_empty() && route.med.unwrap_or(0) == 0, "{route:?}");
    }

    // The same on the wire, before it is in a table.
    for (sender, texts) in [
        (left_address, ["198.51.100.0/24", "2001:db8:1::/48"]),
        (right_address, ["203.0.113.7/32", "2001:db8:2::7/128"]),
    ] {
        let announced = capture.updates_from(sender, started)?.into_iter().flat_map(|(_, update)| update.announced);
        assert_eq!(announced.collect::<BTreeSet<_>>(), texts.map(prefix).into(), "{sender}");
    }

    // A refresh leaves the session, a reset makes another one.
    let before = established(&left, right_address)?;
    if right.software() != Software::Gobgp {
        right.clear(left_address, Clear::Refresh)?;
        assert_eq!(established(&left, right_address)?.since, before.since);
    }
    // Some daemons tell the time in seconds.
    std::thread::sleep(Duration::from_millis(1100));
    // After a reset of its own GoBGP stays idle for half a minute.
    match left.software() {
        Software::Gobgp => right.clear(left_address, Clear::Reset)?,
        _ => left.clear(right_address, Clear::Reset)?,
    }
    until("another session", || {
        Ok(left.session(right_address)?.filter(|now| now.is_established() && now.since != before.since))
    })?;
    learned(&left, prefix("203.0.113.7/32"))?;

    // Another prefix in place of one, without another session.
    let before = established(&right, left_address)?;
    let mut config = right.config().clone();
    let changed = clock::now();
    config.announce.retain(|one| one.prefix.family() == Family::V6);
    config.announce.push(talked_about("203.0.113.8/32"));
    right.reload(&config)?;
    until("the other prefix", || Ok((left.learned(Family::V4)? == [prefix("203.0.113.8/32")].into()).then_some(())))?;
    assert_eq!(established(&right, left_address)?.since, before.since, "reloading keeps the session");
    let gone = capture
        .wait_for("the withdrawal", changed, PATIENCE, |update| update.withdrawn.contains(&prefix("203.0.113.7/32")))?;
    assert!(gone < clock::now());

    // Another key: no session. The old one: a session.
    let good = config.clone();
    for neighbor in &mut config.neighbors {
        neighbor.password = Some("sailfish".to_owned());
    }
    right.reload(&config)?;
    until("no session with another key", || {
        Ok(left.session(right_address)?.is_none_or(|session| !session.is_established()).then_some(()))
    })?;
    let wrong = clock::now();
    while clock::now() - wrong < Duration::from_secs(3) {
        assert!(right.session(left_address)?.is_none_or(|session| !session.is_established()), "with the wrong key");
        std::thread::sleep(Duration::from_millis(100));
    }
    right.reload(&good)?;
    established(&left, right_address)?;

    // A hung neighbor is missed after the hold time, and found again.
    right.pause()?;
    until("the hold time is over", || {
        Ok(left.session(right_address)?.is_none_or(|session| !session.is_established()).then_some(()))
    })?;
    right.resume()?;
    established(&left, right_address)?;

    // Shut down by an administrator, and allowed again.
    let ended = || Ok(left.session(right_address)?.is_none_or(|session| !session.is_established()).then_some(()));
    right.disable(left_address)?;
    until("it is shut down", ended)?;
    right.enable(left_address)?;
    established(&left, right_address)?;
    right.stop()?;
    until("its routes are gone", || Ok(left.learned(Family::V6)?.is_empty().then_some(())))?;
    Ok(())
}

#[test]
fn frr_and_bird_peer_over_ipv4() -> Result<()> {
    peers(Family::V4, Software::Frr, Software::Bird)
}

#[test]
fn bird_and_frr_peer_over_ipv6() -> Result<()> {
    peers(Family::V6, Software::Bird, Software::Frr)
}

#[test]
fn gobgp_and_bird_peer_over_ipv4() -> Result<()> {
    peers(Family::V4, Software::Gobgp, Software::Bird)
}

#[test]
fn gobgp_and_bird_peer_over_ipv6() -> Result<()> {
    peers(Family::V6, Software::Gobgp, Software::Bird)
}

#[test]
fn equal_routes_of_two_neighbors_are_one_route_of_the_kernel() -> Result<()> {
    let lab = lab(0)?;
    let [one, two, three] = [Router::attach(&lab, 1)?, Router::attach(&lab, 2)?, Router::attach(&lab, 3)?];
    let own = ["203.0.113.7/32", "2001:db8:2::7/128"].map(prefix);
    for software in [Software::Frr, Software::Bird] {
        // Internal neighbors, then external ones.
        for asn in [LEFT, RIGHT] {
            let speaker = |router: &Router| {
                let config = router.config(asn).with(Neighbor::new(one.address(Family::V4), LEFT).active());
                router
                    .start(Software::Bird, &own.map(Announcement::new).into_iter().fold(config, |c, a| c.announcing(a)))
            };
            let neighbors = [&two, &three].map(|router| Neighbor::new(router.address(Family::V4), asn));
            let config = neighbors.into_iter().fold(one.config(LEFT), |config, neighbor| config.with(neighbor));
            let daemon = one.start(software, &config)?;
            let _speakers = [speaker(&two)?, speaker(&three)?];
            for (family, prefix) in Family::BOTH.into_iter().zip(own) {
                let what = format!("{software}'s kernel route to {prefix} in AS {asn} has two next hops");
                let route = until(&what, || {
                    let routes = one.kernel_routes(family)?.into_iter();
                    Ok(routes.into_iter().find(|route| route.prefix == prefix && route.hops.len() == 2))
                });
                let route =
                    route.with_context(|| format!("{:?}\n{:?}", one.kernel_routes(family), daemon.routes(family)))?;
                let gateways: BTreeSet<_> = route.hops.iter().filter_map(|hop| hop.gateway).collect();
                // FRR prefers link-local next hops where it can tell them.
                let link_local = |gateway: &IpAddr| matches!(gateway, IpAddr::V6(v6) if v6.is_unicast_link_local());
                let wanted = BTreeSet::from([two.address(family), three.address(family)]);
                assert!(gateways == wanted || gateways.iter().all(link_local), "{what}: {route:?}");
                assert_eq!(daemon.routes_to(prefix)?.len(), 2, "{what}");
            }
            daemon.stop()?;
            for family in Family::BOTH {
                assert!(one.kernel_routes(family)?.is_empty(), "{software} takes its routes with it");
            }
        }
    }
    Ok(())
}

#[test]
fn a_range_of_neighbors_at_a_secured_distance() -> Result<()> {
    let lab = lab(0)?;
    let (one, two) = (Router::attach(&lab, 1)?, Router::attach(&lab, 2)?);
    let secured = |neighbor: Neighbor| neighbor.distance(Distance::Secured(1)).families([Family::V4]);
    let own = Announcement::new(prefix("203.0.113.7/32"));
    let active = secured(Neighbor::new(one.address(Family::V4), LEFT).active());
    let right = two.start(Software::Bird, &two.config(RIGHT).with(active).announcing(own.clone()))?;
    for software in Software::ALL {
        let range = secured(Neighbor::range(prefix("192.168.1.0/24"), RIGHT));
        let left = one.start(software, &one.config(LEFT).with(range))?;
        let session = established(&left, two.address(Family::V4))?;
        assert!(!session.capabilities.contains(&Capability::Routes(Family::V6)), "{software}: {session:?}");
        assert_eq!(learned(&left, own.prefix)?.from, Some(two.address(Family::V4)), "{software}");
        left.kill()?;
        until("its end is noticed", || {
            Ok((!right.session(one.address(Family::V4))?.is_some_and(|session| session.is_established())).then_some(()))
        })?;
    }
    Ok(())
}

/// A server on a node that answers for addresses on its loopback interface.
fn server(lab: &Topology, node: &Machine, addresses: [&str; 2]) -> Result<Program> {
    let lines = addresses.map(|address| format!("addr add {address} dev lo"));
    tool::ip_batch(Some(node.namespace.name()), &lines)?;
    let args = ["pod", "--name", &node.name, "--node", &node.name];
    let log = place::labs_dir()?.join(lab.id()).join(&node.name).with_extension("log");
    let program = place::program("herald-lab")?;
    let args = args.map(Into::into).to_vec();
    Program::start(&node.namespace, &Invocation { name: node.name.clone(), program, args, env: Vec::new(), log })
}

#[test]
fn a_router_spreads_flows_over_equal_next_hops() -> Result<()> {
    let lab = lab(2)?;
    let router = Router::attach(&lab, 1)?;
    let [node1, node2] = lab.nodes() else { panic!("two nodes") };
    let vips = ["203.0.113.10", "2001:db8:10::10"];
    let servers =
        [node1, node2].map(|node| server(&lab, node, [&format!("{}/32", vips[0]), &format!("{}/128", vips[1])]));
    let _servers = servers.into_iter().collect::<Result<Vec<_>>>()?;
    let hop = |address: IpAddr| format!("nexthop via {address} ");
    let stations = [node1.station, node2.station];
    let hops = [stations.map(|one| hop(one.v4().into())).concat(), stations.map(|one| hop(one.v6().into())).concat()];
    for (vip, hops) in vips.iter().zip(hops) {
        tool::ip_batch(Some(router.machine().namespace.name()), &[format!("route add {vip} {hops}")])?;
    }
    for (family, vip) in Family::BOTH.into_iter().zip(vips) {
        let vip: IpAddr = vip.parse()?;
        let routes = router.kernel_routes(family)?;
        assert_eq!(routes.len(), 1, "{routes:?}");
        assert_eq!((routes[0].prefix, routes[0].hops.len()), (vip.into(), 2), "{routes:?}");
        let user = router.user();
        let page = http::get(user, vip, 80, PATIENCE)?;
        let own: IpAddr = if family == Family::V4 { user.station.v4().into() } else { user.station.v6().into() };
        assert_eq!(page.client, own.to_string());
        let served = spread(user, vip, 80, 64, PATIENCE)?;
        let nodes: Vec<_> = served.keys().map(String::as_str).collect();
        assert_eq!(nodes, ["node1", "node2"], "{served:?}");
        assert!(served.values().all(|count| *count >= 12), "far from even: {served:?}");
    }
    Ok(())
}
