//! BGP advertisements: each checked alone, its pools, peers and communities looked up, then compared with the others.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::community::Aliases;
use super::selection::{Missing, Selection, references};
use super::{Refusal, accepted, aggregation, by_name, check_names_once, dispute, verdict};
use crate::bgp::{Attributes, Community, ExtendedCommunity, well_known};
use crate::config::{BgpAdvertisement, Pool};
use crate::object;
use crate::selector::Selector;
use crate::verdict::{Condition, ConditionType, Kind, Reason, Verdict};

/// The longest path that anybody makes longer on purpose.
const PREPEND_MAX: u8 = 16;

/// Advertisements (without those left out) and verdicts (of all), both by name. `pools` come by name.
pub(super) fn compile(
    written: &[object::BgpAdvertisement],
    pools: &[Pool],
    peers: &[object::BgpPeer],
    aliases: &Aliases<'_>,
) -> (Vec<Arc<BgpAdvertisement>>, Vec<Verdict>) {
    let peers: BTreeSet<&str> = peers.iter().map(|peer| peer.meta.name.as_str()).collect();
    let mut written: Vec<_> = written.iter().collect();
    written.sort_by(|a, b| by_name(&a.meta, &b.meta));
    let read: Vec<_> =
        written.into_iter().map(|object| (&object.meta, read(object, pools, &peers, aliases).map(Arc::new))).collect();
    let advertisements: Vec<_> = read.iter().filter_map(|(_, one)| one.as_ref().ok().cloned()).collect();
    let disputes = dispute::find(&advertisements, pools);
    let verdicts = read.into_iter().map(|(meta, one)| {
        let conditions = match one {
            Ok(one) => {
                let unused = [aggregation::misfit(&one, pools), disputes.get(one.name.as_str()).cloned()];
                vec![acceptance(unused.into_iter().flatten().collect()), resolution(&one)]
            }
            Err(refusal) => refusal.conditions(),
        };
        verdict(Kind::BgpAdvertisement, meta, conditions)
    });
    let verdicts = verdicts.collect();
    (advertisements, verdicts)
}

fn read(
    written: &object::BgpAdvertisement,
    pools: &[Pool],
    existing_peers: &BTreeSet<&str>,
    aliases: &Aliases<'_>,
) -> Result<BgpAdvertisement, Refusal> {
    let Selection { pools, unknown } =
        Selection::read(&written.ip_address_pools, &written.ip_address_pool_selectors, pools)?;
    check_names_once("peers", &written.peers)?;
    let peers: BTreeSet<String> = written.peers.iter().cloned().collect();
    let service_selectors = Selector::compile_list("serviceSelectors", &written.service_selectors)?;
    let length_v4 = length("aggregationLength", written.aggregation_length, 32)?;
    let length_v6 = length("aggregationLengthV6", written.aggregation_length_v6, 128)?;
    if !service_selectors.is_empty() && (length_v4, length_v6) != (32, 128) {
        return Err(Refusal { reason: Reason::InvalidAggregation, message: SELECTED_AGGREGATE.into() });
    }
    Ok(BgpAdvertisement {
        name: written.meta.name.clone(),
        created: written.meta.created,
        pools,
        unknown_pools: unknown,
        node_selectors: Selector::compile_list("nodeSelectors", &written.node_selectors)?,
        service_selectors,
        unknown_peers: peers.iter().filter(|name| !existing_peers.contains(name.as_str())).cloned().collect(),
        peers: (!peers.is_empty()).then_some(peers),
        length_v4,
        length_v6,
        attributes: attributes(written, aliases)?,
        aggregate_always: written.aggregate_always.unwrap_or(false),
    })
}

/// The schema says the same.
const SELECTED_AGGREGATE: &str = "serviceSelectors need host routes: remove aggregationLength and aggregationLengthV6 \
    (or write 32 and 128), and aggregate in a second BGPAdvertisement without serviceSelectors";

fn length(field: &str, written: i64, max: u8) -> Result<u8, Refusal> {
    u8::try_from(written).ok().filter(|length| (1..=max).contains(length)).ok_or_else(|| Refusal {
        reason: Reason::InvalidAggregation,
        message: format!(
            "{field} is {written}: write a number from 1 to {max}, or leave it out for one route per address"
        ),
    })
}

fn attributes(written: &object::BgpAdvertisement, aliases: &Aliases<'_>) -> Result<Attributes, Refusal> {
    let mut attributes = Attributes {
        // In MetalLB's API zero is what a number is that nobody wrote.
        local_pref: written.local_pref.map(|value| uint32("localPref", value)).transpose()?.filter(|value| *value > 0),
        med: written.med.map(|value| uint32("herald.med", value)).transpose()?,
        prepend: written.as_path_prepend.map(prepend).transpose()?,
        ..Attributes::default()
    };
    check_names_once("communities", &written.communities)?;
    for text in &written.communities {
        match community(text, aliases)? {
            Community::Standard(one) => attributes.communities.insert(one),
            Community::Large(one) => attributes.large_communities.insert(one),
        };
    }
    let invalid =
        |error: crate::bgp::CommunityError| Refusal { reason: Reason::InvalidCommunity, message: error.to_string() };
    for name in &written.well_known_communities {
        attributes.communities.insert(well_known(name).map_err(invalid)?);
    }
    for text in &written.extended_communities {
        attributes.extended_communities.insert(ExtendedCommunity::parse(text).map_err(invalid)?);
    }
    Ok(attributes)
}

/// What one entry of `communities` stands for. Without its community a route could go where it must not, so a name that
/// stands for nothing is an error.
fn community(text: &str, aliases: &Aliases<'_>) -> Result<Community, Refusal> {
    if let Ok(community) = Community::parse(text) {
        return Ok(community);
    }
    if let Some(community) = aliases.meaning(text) {
        return Ok(community);
    }
    if text.contains(':') {
        let message = format!(
            "\"{text}\" is not a community: write it like 64512:100 (numbers up to 65535), like large:64512:1:2 (numbers up \
             to 4294967295), or the name of one in a Community object"
        );
        return Err(Refusal { reason: Reason::InvalidCommunity, message });
    }
    let remedy = if let Some(object) = aliases.broken_in(text) {
        format!("its entry in Community \"{object}\" can't be used: correct it there")
    } else if well_known(text).is_ok() {
        "write it under herald.wellKnownCommunities, or give the name in a Community object".to_owned()
    } else {
        "give the name in a Community object, or correct communities".to_owned()
    };
    Err(Refusal {
        reason: Reason::CommunityNotFound,
        message: format!("no community is called \"{text}\", and nothing is announced without it: {remedy}"),
    })
}

fn uint32(field: &str, written: i64) -> Result<u32, Refusal> {
    u32::try_from(written).map_err(|_| Refusal {
        reason: Reason::InvalidAttribute,
        message: format!("{field} is {written}: write a number from 0 to {}", u32::MAX),
    })
}

fn prepend(written: i64) -> Result<u8, Refusal> {
    u8::try_from(written).ok().filter(|times| *times <= PREPEND_MAX).ok_or_else(|| Refusal {
        reason: Reason::InvalidAttribute,
        message: format!("herald.asPathPrepend is {written}: write a number from 0 to {PREPEND_MAX}"),
    })
}

/// `unused`: what is not used of an advertisement, and why.
fn acceptance(unused: Vec<(Reason, String)>) -> Condition {
    let Some((reason, _)) = unused.first() else { return accepted() };
    let reason = *reason;
    let sentences: Vec<String> = unused.into_iter().map(|(_, sentence)| sentence).collect();
    Condition { kind: ConditionType::Accepted, status: false, reason, message: sentences.join(". ") }
}

fn resolution(advertisement: &BgpAdvertisement) -> Condition {
    let pools = Missing {
        reason: Reason::PoolNotFound,
        kind: "IPAddressPool",
        names: &advertisement.unknown_pools,
        field: "ipAddressPools",
    };
    let peers =
        Missing { reason: Reason::PeerNotFound, kind: "BGPPeer", names: &advertisement.unknown_peers, field: "peers" };
    references("every pool, peer and community named exists", &[pools, peers])
}
