//! The peer's OPEN: what both ends agree on, or what to answer.

use std::collections::BTreeSet;
use std::time::Duration;

use super::config::{PeerConfig, RemoteAs};
use super::negotiated::{Negotiated, PeerRestart};
use super::opening::IPV4_OVER_IPV6;
use super::reasons;
use crate::packet::{Capability, GracefulRestart, Notification, Open};
use crate::value::{Asn, Family, HoldTime};

/// KEEPALIVEs are not sent more often (RFC 4271 §4.4).
pub(super) const SHORTEST_KEEPALIVE: Duration = Duration::from_secs(1);

/// What both ends agree on, or the NOTIFICATION that says why not.
pub(super) fn negotiate(config: &PeerConfig, open: &Open) -> Result<Negotiated, Notification> {
    let peer_asn = peer_asn(open)?;
    let shown_asn = config.effective_asn();
    let external = peer_asn != shown_asn;
    let expected = match config.remote {
        RemoteAs::Exactly(asn) => peer_asn == asn,
        RemoteAs::Internal => !external,
        RemoteAs::External => external,
    };
    if !expected {
        return Err(reasons::bad_peer_as());
    }
    if !external && open.router_id == config.router_id {
        return Err(reasons::bad_identifier());
    }
    let theirs = open.families();
    let families: BTreeSet<Family> = config.families.iter().copied().filter(|ours| theirs.contains(ours)).collect();
    if families.is_empty() {
        return Err(reasons::no_common_family(&config.families));
    }
    let mut negotiated = Negotiated {
        peer_asn,
        shown_asn,
        external,
        peer_router_id: open.router_id,
        hold_time: open.hold_time.min(config.hold_time),
        keepalive: None,
        families,
        four_octet_asn: false,
        extended_next_hop: false,
        extended_message: false,
        enhanced_refresh: false,
        graceful_restart: None,
        host_name: None,
    };
    negotiated.keepalive = keepalive(negotiated.hold_time, config.keepalive);
    for capability in &open.capabilities {
        match capability {
            Capability::ExtendedNextHop(allowed) => negotiated.extended_next_hop |= allowed.contains(&IPV4_OVER_IPV6),
            Capability::ExtendedMessage => negotiated.extended_message = true,
            Capability::FourOctetAsn(_) => negotiated.four_octet_asn = true,
            Capability::EnhancedRouteRefresh => negotiated.enhanced_refresh = true,
            Capability::GracefulRestart(restart) if config.graceful_restart.is_some() => {
                negotiated.graceful_restart = Some(peer_restart(restart));
            }
            Capability::HostName { host, .. } => negotiated.host_name = Some(host.clone()),
            Capability::Multiprotocol { .. }
            | Capability::RouteRefresh
            | Capability::GracefulRestart(_)
            | Capability::Unknown { .. } => {}
        }
    }
    Ok(negotiated)
}

/// The peer's AS number. Two octets and four must be the same, unless the two say that they can't (RFC 6793 §4.2.1);
/// who has AS_TRANS for a number has none.
fn peer_asn(open: &Open) -> Result<Asn, Notification> {
    let trans = u32::from(Asn::TRANS);
    let two = u32::from(open.two_octet_asn);
    let asn = open.asn().filter(|asn| asn.get() != trans && (two == asn.get() || two == trans));
    asn.ok_or_else(reasons::bad_peer_as)
}

/// Interval of our KEEPALIVEs: a third of the hold time, or less if so configured.
fn keepalive(hold_time: HoldTime, configured: Option<Duration>) -> Option<Duration> {
    let third = hold_time.duration()? / 3;
    Some(configured.map_or(third, |wanted| wanted.clamp(SHORTEST_KEEPALIVE, third)))
}

fn peer_restart(restart: &GracefulRestart) -> PeerRestart {
    let families = restart.families.iter().filter_map(|(afi, safi, _)| Family::from_wire(*afi, *safi));
    PeerRestart { families: families.collect(), notification: restart.notification, restarting: restart.restarting }
}
