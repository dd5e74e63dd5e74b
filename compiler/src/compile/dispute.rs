//! Advertisements that say something else of the same route, whatever the Service.
//!
//! Who has `serviceSelectors` is left out, as in MetalLB: whether two such advertisements ever meet depends on the
//! Services ([`conflicting`](crate::bgp::conflicting) asks for one). Nodes are not known here, so nodes count as shared
//! only where that is sure.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::address::Family;
use crate::bgp::{Conflict, Dispute, share_a_length, share_a_peer};
use crate::config::{BgpAdvertisement, Pool};
use crate::verdict::Reason;

/// For each advertisement whose word does not count somewhere, by name: what to say of it. `pools` come by name.
pub(super) fn find<'a>(
    advertisements: &'a [Arc<BgpAdvertisement>],
    pools: &[Pool],
) -> BTreeMap<&'a str, (Reason, String)> {
    let mut telling: Vec<&BgpAdvertisement> = advertisements
        .iter()
        .map(AsRef::as_ref)
        .filter(|one| one.service_selectors.is_empty() && Dispute::is_possible(&one.attributes))
        .collect();
    telling.sort_by_key(|one| one.seniority());
    let families: BTreeMap<&str, Vec<Family>> = pools.iter().map(|pool| (pool.name.as_str(), families(pool))).collect();
    let mut found = BTreeMap::new();
    for (index, younger) in telling.iter().enumerate() {
        let conflict = telling.iter().take(index).find_map(|older| {
            let dispute = Dispute::between(&older.attributes, &younger.attributes)?;
            if !surely_share_a_node(older, younger) || !share_a_peer(older, younger) {
                return None;
            }
            let meet_in =
                |pool: &&String| families.get(pool.as_str()).is_some_and(|all| share_a_length(older, younger, all));
            let pool = younger.pools.intersection(&older.pools).find(meet_in)?;
            Some((pool, Conflict { older, younger, dispute }))
        });
        if let Some((pool, conflict)) = conflict {
            found.insert(younger.name.as_str(), (Reason::ConflictingAdvertisement, sentence(pool, &conflict)));
        }
    }
    found
}

fn sentence(pool: &str, conflict: &Conflict<'_>) -> String {
    let Conflict { older, dispute, .. } = conflict;
    let (kept, lost) = dispute.values();
    let field = dispute.field();
    format!(
        "{field} {lost} is not used where BGPAdvertisement \"{older}\", which is older, announces the same routes of pool \
         \"{pool}\" with {field} {kept}: write the same {field} in both, or give them different peers, nodes or aggregation \
         lengths",
        older = older.name,
    )
}

fn families(pool: &Pool) -> Vec<Family> {
    let lists = |family: &Family| pool.ranges.iter().any(|range| range.family() == *family);
    [Family::V4, Family::V6].into_iter().filter(lists).collect()
}

/// True if there is no doubt that a node announces under both, once one announces under either.
fn surely_share_a_node(one: &BgpAdvertisement, other: &BgpAdvertisement) -> bool {
    let all = |advertisement: &BgpAdvertisement| advertisement.node_selectors.is_empty();
    all(one) || all(other) || one.node_selectors.iter().any(|selector| other.node_selectors.contains(selector))
}
