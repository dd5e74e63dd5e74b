//! Layer-2 advertisements: each checked alone, its pools resolved to names.

use super::selection::{Missing, Selection, references};
use super::{Refusal, accepted, by_name, verdict};
use crate::config::{L2Advertisement, Pool, Preference};
use crate::object;
use crate::selector::Selector;
use crate::verdict::{Kind, Reason, Verdict};

/// Advertisements (without those left out) and verdicts (of all), both by name. `pools` come by name.
pub(super) fn compile(written: &[object::L2Advertisement], pools: &[Pool]) -> (Vec<L2Advertisement>, Vec<Verdict>) {
    let mut written: Vec<_> = written.iter().collect();
    written.sort_by(|a, b| by_name(&a.meta, &b.meta));
    let mut advertisements = Vec::with_capacity(written.len());
    let mut verdicts = Vec::with_capacity(written.len());
    for written in written {
        let conditions = match read(written, pools) {
            Ok(advertisement) => {
                let missing = Missing {
                    reason: Reason::PoolNotFound,
                    kind: "IPAddressPool",
                    names: &advertisement.unknown_pools,
                    field: "ipAddressPools",
                };
                let conditions = vec![accepted(), references("every pool named exists", &[missing])];
                advertisements.push(advertisement);
                conditions
            }
            Err(refusal) => refusal.conditions(),
        };
        verdicts.push(verdict(Kind::L2Advertisement, &written.meta, conditions));
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
    let Selection { pools, unknown } = Selection::read(ip_address_pools, ip_address_pool_selectors, pools)?;
    let preferred = preferred_node_selectors.iter().map(preference).collect::<Result<Vec<_>, _>>()?;
    Ok(L2Advertisement {
        name: meta.name.clone(),
        pools,
        unknown_pools: unknown,
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
