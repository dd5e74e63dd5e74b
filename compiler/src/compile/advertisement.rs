//! Layer-2 advertisements: each checked alone, its pools resolved to names.

use std::collections::BTreeSet;

use super::{Refusal, accepted, check_names_once};
use crate::config::{L2Advertisement, Pool, Preference};
use crate::object;
use crate::selector::Selector;
use crate::verdict::{Condition, ConditionType, Kind, Reason, Verdict};

/// How many unknown pools a message names before it only counts the rest.
const UNKNOWN_SPELLED_OUT: usize = 5;

/// Advertisements (without those left out) and verdicts (of all), both by name. `pools` come by name.
pub(super) fn compile(written: &[object::L2Advertisement], pools: &[Pool]) -> (Vec<L2Advertisement>, Vec<Verdict>) {
    let mut written: Vec<_> = written.iter().collect();
    written.sort_by(|a, b| (&a.meta.name, &a.meta.uid).cmp(&(&b.meta.name, &b.meta.uid)));
    let mut advertisements = Vec::with_capacity(written.len());
    let mut verdicts = Vec::with_capacity(written.len());
    for written in written {
        let conditions = match read(written, pools) {
            Ok(advertisement) => {
                let conditions = vec![accepted(), references(&advertisement)];
                advertisements.push(advertisement);
                conditions
            }
            Err(refusal) => vec![refusal.condition()],
        };
        verdicts.push(Verdict {
            kind: Kind::L2Advertisement,
            name: written.meta.name.clone(),
            uid: written.meta.uid.clone(),
            generation: written.meta.generation,
            conditions,
        });
    }
    (advertisements, verdicts)
}

fn read(written: &object::L2Advertisement, pools: &[Pool]) -> Result<L2Advertisement, Refusal> {
    let object::L2Advertisement {
        meta,
        ip_address_pools,
        ip_address_pool_selectors,
        node_selectors,
        interfaces,
        service_selectors,
        preferred_node_selectors,
        failback,
    } = written;
    check_names_once("ipAddressPools", ip_address_pools)?;
    let pool_selectors = Selector::compile_list("ipAddressPoolSelectors", ip_address_pool_selectors)?;
    let preferred = preferred_node_selectors.iter().map(preference).collect::<Result<Vec<_>, _>>()?;
    let named: BTreeSet<&str> = ip_address_pools.iter().map(String::as_str).collect();
    let all = named.is_empty() && pool_selectors.is_empty();
    let covers = |pool: &&Pool| {
        all || named.contains(pool.name.as_str()) || pool_selectors.iter().any(|s| s.matches(&pool.labels))
    };
    let exists = |name: &str| pools.binary_search_by(|pool| pool.name.as_str().cmp(name)).is_ok();
    Ok(L2Advertisement {
        name: meta.name.clone(),
        pools: pools.iter().filter(covers).map(|pool| pool.name.clone()).collect(),
        unknown_pools: named.iter().filter(|name| !exists(name)).map(|name| (*name).to_owned()).collect(),
        node_selectors: Selector::compile_list("nodeSelectors", node_selectors)?,
        service_selectors: Selector::compile_list("serviceSelectors", service_selectors)?,
        interfaces: interfaces.iter().cloned().collect(),
        preferred,
        failback: failback.unwrap_or(true),
    })
}

/// Repetitions are allowed here, as in MetalLB: weights add up.
fn preference(written: &object::PreferredNodeSelector) -> Result<Preference, Refusal> {
    let object::PreferredNodeSelector { weight, preference } = written;
    let weight = u32::try_from(*weight).ok().filter(|weight| (1..=100).contains(weight)).ok_or_else(|| Refusal {
        reason: Reason::InvalidWeight,
        message: format!("preferredNodeSelectors has the weight {weight}: write a number from 1 to 100"),
    })?;
    Ok(Preference { weight, selector: Selector::compile(preference)? })
}

fn references(advertisement: &L2Advertisement) -> Condition {
    let unknown = &advertisement.unknown_pools;
    if unknown.is_empty() {
        return Condition {
            kind: ConditionType::ResolvedRefs,
            status: true,
            reason: Reason::ResolvedRefs,
            message: "every pool named exists".into(),
        };
    }
    let mut list: Vec<String> = unknown.iter().take(UNKNOWN_SPELLED_OUT).map(|name| format!("\"{name}\"")).collect();
    let rest = unknown.len() - list.len();
    if rest > 0 {
        list.push(format!("and {rest} more"));
    }
    Condition {
        kind: ConditionType::ResolvedRefs,
        status: false,
        reason: Reason::PoolNotFound,
        message: format!("no IPAddressPool is called {}: create it, or correct ipAddressPools", list.join(", ")),
    }
}
