//! Which prefixes the addresses of one Service are announced as.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use super::Prefix;
use crate::address::Family;
use crate::config::{BgpAdvertisement, Home, Pool};

/// What one Service wants announced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Prefixes with the advertisements that want each, oldest first, every one once.
    pub routes: BTreeMap<Prefix, Vec<Arc<BgpAdvertisement>>>,
    /// Aggregates that this node must not announce; host routes with the same attributes stand in their place. For
    /// the condition `AggregateSuppressed`.
    pub suppressed: BTreeSet<Prefix>,
}

/// What is to be announced for a Service with `addresses`, on behalf of `advertisements`: those that match this node
/// and this Service. One that does not cover the pool of an address says nothing of it.
///
/// The prefix of an address is as long as the advertisement says, if
/// - the address lies in its pool ([`Home::Inside`]): what is outside any more has a route of its own and claims nothing
///   around it;
/// - what the pool lists around it holds a whole prefix of that length (`docs/decisions/0089`), and
/// - `may_aggregate` says that this node may announce it, or the advertisement does not care
///   (`herald.aggregateAlways`). The caller asks there whether the node can serve every address in use below
///   (externalTrafficPolicy Local).
///
/// Else it is a host route. An orphaned address takes `advertisements` as they are: its pool is not known any more, the
/// caller remembers which covered it.
#[must_use]
pub fn wanted<'a>(
    advertisements: impl IntoIterator<Item = &'a Arc<BgpAdvertisement>>,
    addresses: &[(IpAddr, Home<'_>)],
    mut may_aggregate: impl FnMut(Prefix) -> bool,
) -> Wanted {
    let mut advertisements: Vec<_> = advertisements.into_iter().collect();
    advertisements.sort_by_key(|one| one.seniority());
    advertisements.dedup_by_key(|one| one.seniority());
    let mut wanted = Wanted::default();
    for advertisement in advertisements {
        for (address, home) in addresses {
            if home.pool().is_some_and(|pool| !advertisement.pools.contains(&pool.name)) {
                continue;
            }
            let mut prefix = Prefix::host(*address);
            if let Some(aggregate) = aggregate(advertisement, *address, *home) {
                if advertisement.aggregate_always || may_aggregate(aggregate) {
                    prefix = aggregate;
                } else {
                    wanted.suppressed.insert(aggregate);
                }
            }
            let of_prefix = wanted.routes.entry(prefix).or_default();
            // Its turn comes once, so it is the last if it is there.
            if of_prefix.last().is_none_or(|last| last.seniority() != advertisement.seniority()) {
                of_prefix.push(Arc::clone(advertisement));
            }
        }
    }
    wanted
}

/// The prefix that holds more than `address`, if there is to be one.
fn aggregate(advertisement: &BgpAdvertisement, address: IpAddr, home: Home<'_>) -> Option<Prefix> {
    let Home::Inside(pool) = home else { return None };
    let length = advertisement.length(Family::of(address));
    let prefix = Prefix::new(address, length).filter(|prefix| !prefix.is_host())?;
    holds_a_prefix(pool, address, length).then_some(prefix)
}

/// True if what the pool lists around `address` holds a whole prefix of this length. (Not necessarily the one of the
/// address: MetalLB's rule, on which pools like `10.0.0.10-10.0.0.250` with /26 rely.)
fn holds_a_prefix(pool: &Pool, address: IpAddr, length: u8) -> bool {
    pool.ranges.iter().any(|range| range.contains(address) && range.shortest_prefix() <= length)
}
