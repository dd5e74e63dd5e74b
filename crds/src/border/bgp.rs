//! The kinds of BGP, on their way to the compiler.

use herald_compiler::object::{self, BfdSettings, CommunityAlias, Password};

use super::{meta, selectors};
use crate::{
    BFDProfile, BFDProfileSpec, BGPAdvertisement, BGPAdvertisementSpec, BGPExtension, BGPPeer, BGPPeerSpec, Community,
    CommunitySpec, PeerExtension, SecretReference,
};

/// A BGP peer as the compiler takes it.
#[must_use]
pub fn bgp_peer(from: &BGPPeer) -> object::BgpPeer {
    let BGPPeerSpec {
        my_asn,
        peer_asn,
        dynamic_asn,
        local_asn,
        peer_address,
        interface,
        source_address,
        peer_port,
        hold_time,
        keepalive_time,
        connect_time,
        router_id,
        node_selectors,
        password,
        password_secret,
        bfd_profile,
        enable_graceful_restart,
        ebgp_multi_hop,
        vrf,
        // Without effect since MetalLB 0.14; both families need no mode of their own.
        disable_mp: _,
        dual_stack_address_family,
        herald,
    } = &from.spec;
    // The Secret is looked for in Herald's namespace, whatever its reference says.
    let secret = |SecretReference { name, namespace: _ }: &SecretReference| name.clone();
    let hops = |PeerExtension { ttl_security_hops }: &PeerExtension| *ttl_security_hops;
    object::BgpPeer {
        meta: meta(&from.metadata),
        my_asn: *my_asn,
        peer_asn: *peer_asn,
        dynamic_asn: dynamic_asn.clone(),
        local_asn: *local_asn,
        peer_address: peer_address.clone(),
        interface: interface.clone(),
        source_address: source_address.clone(),
        peer_port: *peer_port,
        hold_time: hold_time.clone(),
        keepalive_time: keepalive_time.clone(),
        connect_time: connect_time.clone(),
        router_id: router_id.clone(),
        node_selectors: selectors(node_selectors),
        password: password.clone().map(Password::new),
        password_secret: password_secret.as_ref().and_then(secret),
        bfd_profile: bfd_profile.clone(),
        enable_graceful_restart: enable_graceful_restart.unwrap_or(false),
        ebgp_multi_hop: ebgp_multi_hop.unwrap_or(false),
        vrf: vrf.clone(),
        dual_stack_address_family: *dual_stack_address_family,
        ttl_security_hops: herald.as_ref().and_then(hops).map(i64::from),
    }
}

/// A BGP advertisement as the compiler takes it.
#[must_use]
pub fn bgp_advertisement(from: &BGPAdvertisement) -> object::BgpAdvertisement {
    let BGPAdvertisementSpec {
        aggregation_length,
        aggregation_length_v6,
        local_pref,
        communities,
        ip_address_pools,
        ip_address_pool_selectors,
        node_selectors,
        peers,
        service_selectors,
        herald,
    } = &from.spec;
    let BGPExtension { well_known_communities, extended_communities, as_path_prepend, med, aggregate_always } =
        herald.clone().unwrap_or_default();
    object::BgpAdvertisement {
        meta: meta(&from.metadata),
        aggregation_length: (*aggregation_length).into(),
        aggregation_length_v6: (*aggregation_length_v6).into(),
        local_pref: *local_pref,
        communities: communities.clone(),
        ip_address_pools: ip_address_pools.clone(),
        ip_address_pool_selectors: selectors(ip_address_pool_selectors),
        node_selectors: selectors(node_selectors),
        peers: peers.clone(),
        service_selectors: selectors(service_selectors),
        well_known_communities,
        extended_communities,
        as_path_prepend: as_path_prepend.map(i64::from),
        med,
        aggregate_always,
    }
}

/// A Community object as the compiler takes it.
#[must_use]
pub fn community(from: &Community) -> object::Community {
    let CommunitySpec { communities } = &from.spec;
    let alias = |alias: &crate::CommunityAlias| CommunityAlias {
        name: alias.name.clone().unwrap_or_default(),
        value: alias.value.clone().unwrap_or_default(),
    };
    object::Community { meta: meta(&from.metadata), communities: communities.iter().map(alias).collect() }
}

/// A BFD profile as the compiler takes it.
#[must_use]
pub fn bfd_profile(from: &BFDProfile) -> object::BfdProfile {
    let BFDProfileSpec {
        receive_interval,
        transmit_interval,
        detect_multiplier,
        echo_interval,
        echo_mode,
        passive_mode,
        minimum_ttl,
    } = from.spec;
    let settings = BfdSettings {
        receive_interval,
        transmit_interval,
        detect_multiplier,
        echo_interval,
        echo_mode: echo_mode.unwrap_or(false),
        passive_mode: passive_mode.unwrap_or(false),
        minimum_ttl,
    };
    object::BfdProfile { meta: meta(&from.metadata), settings }
}
