//! Pools: each checked alone, then their overlaps settled, then one verdict each.

use super::overlap::Claims;
use super::{Refusal, accepted, check_names_once, seniority, verdict};
use crate::address::AddressRange;
use crate::config::{Allocation, Pool};
use crate::object::{IpAddressPool, Namespace, ObjectMeta, ServiceAllocation};
use crate::selector::Selector;
use crate::verdict::{Condition, ConditionType, Kind, Reason, Verdict};

/// How many overlaps a message spells out before it only counts the rest.
const OVERLAPS_SPELLED_OUT: usize = 5;

/// A pool on its way: what it means alone, and what was found about its overlaps.
struct Draft<'a> {
    meta: &'a ObjectMeta,
    pool: Result<Pool, Refusal>,
    overlaps: Overlaps,
}

/// The overlaps of one pool. Intervals with the name of the other pool.
#[derive(Default)]
struct Overlaps {
    with_older: Mentions,
    with_younger: Mentions,
    with_itself: Mentions,
}

/// A list for a message: the first few, and how many there are in all.
#[derive(Default)]
struct Mentions {
    first: Vec<(AddressRange, String)>,
    count: usize,
}

/// Pools and verdicts, both by name.
pub(super) fn compile(written: &[IpAddressPool], namespaces: &[Namespace]) -> (Vec<Pool>, Vec<Verdict>) {
    let mut written: Vec<_> = written.iter().collect();
    written.sort_by_cached_key(|pool| seniority(&pool.meta));
    let mut drafts: Vec<_> = written
        .into_iter()
        .map(|pool| Draft { meta: &pool.meta, pool: read(pool, namespaces), overlaps: Overlaps::default() })
        .collect();
    settle_overlaps(&mut drafts);
    drafts.sort_by(|a, b| a.meta.name.cmp(&b.meta.name));
    drafts.into_iter().map(finish).unzip()
}

/// What a pool means alone.
fn read(written: &IpAddressPool, namespaces: &[Namespace]) -> Result<Pool, Refusal> {
    let IpAddressPool { meta, addresses, auto_assign, avoid_buggy_ips, service_allocation, max_per_namespace } =
        written;
    let invalid = |message: String| Refusal { reason: Reason::InvalidAddresses, message };
    if addresses.is_empty() {
        return Err(invalid(crate::address::NO_ADDRESSES.into()));
    }
    let ranges = addresses
        .iter()
        .map(|item| AddressRange::parse(item))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| invalid(error.to_string()))?;
    let allocation =
        service_allocation.as_ref().map(|allocation| read_allocation(allocation, namespaces)).transpose()?;
    Ok(Pool {
        name: meta.name.clone(),
        usable: true,
        labels: meta.labels.clone(),
        ranges,
        free_ranges: Vec::new(),
        auto_assign: *auto_assign,
        avoid_buggy_ips: *avoid_buggy_ips,
        allocation,
        max_per_namespace: max_per_namespace.map(read_quota).transpose()?,
    })
}

fn read_quota(written: i64) -> Result<u64, Refusal> {
    u64::try_from(written).ok().filter(|max| *max > 0).ok_or_else(|| Refusal {
        reason: Reason::InvalidQuota,
        message: format!("spec.herald.maxPerNamespace is {written}: write 1 or more, or remove it for no limit"),
    })
}

fn read_allocation(written: &ServiceAllocation, namespaces: &[Namespace]) -> Result<Allocation, Refusal> {
    let ServiceAllocation { priority, namespaces: names, namespace_selectors, service_selectors } = written;
    check_names_once("namespaces", names)?;
    let selectors = Selector::compile_list("namespaceSelectors", namespace_selectors)?;
    // Restricted as soon as the user restricts it, also while no namespace matches: MetalLB then
    // forgets the restriction and serves every namespace.
    let restricted = !names.is_empty() || !selectors.is_empty();
    let served = || {
        let selected = namespaces
            .iter()
            .filter(|namespace| selectors.iter().any(|s| s.matches(&namespace.labels)))
            .map(|namespace| namespace.name.clone());
        names.iter().cloned().chain(selected).collect()
    };
    Ok(Allocation {
        priority: u64::try_from(*priority).ok().filter(|rank| *rank > 0),
        namespaces: restricted.then(served),
        service_selectors: Selector::compile_list("serviceSelectors", service_selectors)?,
    })
}

/// Fills in `free_ranges` and what there is to say. `drafts` come in order of seniority.
fn settle_overlaps(drafts: &mut [Draft<'_>]) {
    let mut claims = Claims::default();
    for index in 0..drafts.len() {
        let Some(ranges) = drafts[index].pool.as_ref().ok().map(|pool| pool.ranges.clone()) else {
            continue;
        };
        let mut free_ranges = Vec::with_capacity(ranges.len());
        for range in ranges {
            let outcome = claims.claim(index, range);
            free_ranges.extend(outcome.free);
            for (part, holder) in outcome.taken {
                mention(drafts, index, holder, part);
            }
        }
        if let Ok(pool) = &mut drafts[index].pool {
            pool.free_ranges = free_ranges;
        }
    }
}

fn mention(drafts: &mut [Draft<'_>], loser: usize, holder: usize, part: AddressRange) {
    let (loser_name, holder_name) = (&drafts[loser].meta.name, &drafts[holder].meta.name);
    let (loser_name, holder_name) = (loser_name.clone(), holder_name.clone());
    if loser == holder {
        drafts[loser].overlaps.with_itself.add(part, loser_name);
    } else {
        drafts[loser].overlaps.with_older.add(part, holder_name);
        drafts[holder].overlaps.with_younger.add(part, loser_name);
    }
}

impl Mentions {
    fn add(&mut self, part: AddressRange, other: String) {
        self.count += 1;
        if self.first.len() < OVERLAPS_SPELLED_OUT {
            self.first.push((part, other));
        }
    }

    fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// `192.0.2.1-192.0.2.9 (pool "a"), … and 3 more`, pools as told by `whose`.
    fn list(&self, whose: impl Fn(&str) -> String) -> String {
        let mut text: Vec<String> = self.first.iter().map(|(part, other)| format!("{part}{}", whose(other))).collect();
        let rest = self.count - self.first.len();
        if rest > 0 {
            text.push(format!("and {rest} more"));
        }
        text.join(", ")
    }
}

fn finish(draft: Draft<'_>) -> (Pool, Verdict) {
    let Draft { meta, pool, overlaps } = draft;
    let (pool, conditions) = match pool {
        Ok(pool) => {
            let conditions = vec![acceptance(&pool, &overlaps), conflict(&overlaps)];
            (pool, conditions)
        }
        Err(refusal) => (unusable(meta), refusal.conditions()),
    };
    (pool, verdict(Kind::IpAddressPool, meta, conditions))
}

fn unusable(meta: &ObjectMeta) -> Pool {
    Pool {
        name: meta.name.clone(),
        usable: false,
        labels: meta.labels.clone(),
        ranges: Vec::new(),
        free_ranges: Vec::new(),
        auto_assign: false,
        avoid_buggy_ips: false,
        allocation: None,
        max_per_namespace: None,
    }
}

fn acceptance(pool: &Pool, overlaps: &Overlaps) -> Condition {
    if overlaps.with_older.is_empty() {
        return accepted();
    }
    let extent = if pool.free_ranges.is_empty() {
        "no address of this pool is handed out, all belong to older pools"
    } else {
        "some addresses are not handed out from this pool, they belong to older pools"
    };
    let list = overlaps.with_older.list(in_pool);
    Condition {
        kind: ConditionType::Accepted,
        status: false,
        reason: Reason::Overlap,
        message: format!(
            "{extent}: {list}. Remove them from one of the pools; \
             Services that have such an address keep it"
        ),
    }
}

fn conflict(overlaps: &Overlaps) -> Condition {
    let Overlaps { with_older, with_younger, with_itself } = overlaps;
    let mut sentences = Vec::new();
    let mut reason = Reason::NoOverlap;
    if !with_itself.is_empty() {
        reason = Reason::ListedTwice;
        let list = with_itself.list(|_| String::new());
        sentences.push(format!("listed twice in this pool, counted once: {list}"));
    }
    if !with_younger.is_empty() {
        reason = Reason::OverlapsYoungerPool;
        let list = with_younger.list(in_pool);
        sentences.push(format!("handed out here, listed in younger pools too: {list}"));
    }
    if !with_older.is_empty() {
        reason = Reason::OverlapsOlderPool;
        let list = with_older.list(in_pool);
        sentences.push(format!("belong to older pools, not handed out here: {list}"));
    }
    let status = !sentences.is_empty();
    if !status {
        sentences.push("every address is listed once".into());
    }
    Condition { kind: ConditionType::Conflicted, status, reason, message: sentences.join("; ") }
}

fn in_pool(name: &str) -> String {
    format!(" (pool \"{name}\")")
}
