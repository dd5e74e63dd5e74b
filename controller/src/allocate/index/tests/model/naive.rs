//! Could this Service have an address? By a plain search through everything.

use std::collections::BTreeMap;
use std::net::IpAddr;

use herald_compiler::{Config, Family};
use herald_ipam::{FamilyPolicy, ServiceKey, ServiceRequest, Terms};

use crate::watch::SeenService;

/// All addresses that there are in the model.
fn addresses(family: Family) -> Vec<IpAddr> {
    (0..9_u8)
        .map(|last| match family {
            Family::V4 => IpAddr::from([192, 0, 2, last]),
            Family::V6 => IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(last)]),
        })
        .collect()
}

/// Whether two Services may have one address.
pub(super) fn lawful(one: &Terms, other: &Terms) -> bool {
    one.key.is_some()
        && one.key == other.key
        && one.backend == other.backend
        && !one.ports.iter().any(|port| other.ports.contains(port))
}

/// Whether there is an address of each family that `request` needs, in one pool, for it alone or to share.
pub(super) fn could_have(
    config: &Config,
    services: &BTreeMap<ServiceKey, SeenService>,
    request: &ServiceRequest,
) -> bool {
    let Ok(wish) = &request.wish else { return false };
    let free = |address: &IpAddr| {
        services
            .values()
            .filter(|other| *other.key() != request.key && other.request.shown.contains(address))
            .all(|other| lawful(&request.terms, &other.request.terms))
    };
    let wanted = |address: &IpAddr| wish.addresses.is_empty() || wish.addresses.contains(address);
    if request.policy == FamilyPolicy::RequireDualStack && request.families.len() < 2 {
        return false;
    }
    if !wish.addresses.is_empty() && wish.addresses.len() != request.families.len() {
        return false;
    }
    config.pools().iter().any(|pool| {
        let asked_for = !wish.addresses.is_empty() || wish.pool.as_ref() == Some(&pool.name);
        let of_family = |family: &Family| {
            addresses(*family).iter().any(|address| {
                wanted(address)
                    && free(address)
                    && pool.may_hand_out(*address)
                    && pool.free_ranges.iter().any(|range| range.contains(*address))
            })
        };
        let some = request.policy == FamilyPolicy::PreferDualStack && wish.addresses.is_empty();
        pool.serves(&request.key.namespace, &request.labels)
            && (asked_for || (wish.pool.is_none() && pool.auto_assign))
            && if some { request.families.iter().any(of_family) } else { request.families.iter().all(of_family) }
    })
}
