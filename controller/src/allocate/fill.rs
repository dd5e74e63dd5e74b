//! How full a pool is and what it has left behind, in words: the conditions `Exhausted` and `Retained`.
//!
//! They are made of the allocator's books, whenever these have changed, at a cost that does not grow with the
//! Services: counts are kept, and a few names are looked up.

use herald_compiler::verdict::{Condition, ConditionType, Reason};
use herald_compiler::{Config, Family};
use herald_ipam::{Allocator, PoolUsage};

/// How many addresses or Services a message names before it only counts the rest.
const NAMED: usize = 3;

/// The conditions of the pool called `name`; empty if there is none.
pub(super) fn conditions(name: &str, config: &Config, allocator: &Allocator) -> Vec<Condition> {
    let (Some(pool), Some(usage)) = (config.pool(name), allocator.usage(name)) else { return Vec::new() };
    let mut conditions = Vec::with_capacity(2);
    if pool.usable {
        conditions.push(exhausted(name, usage, allocator));
    }
    conditions.push(retained(name, pool.usable, usage, allocator));
    conditions
}

fn exhausted(name: &str, usage: PoolUsage, allocator: &Allocator) -> Condition {
    let families = [
        (Family::V4, usage.available_v4, allocator.capacity(name, Family::V4)),
        (Family::V6, usage.available_v6, allocator.capacity(name, Family::V6)),
    ];
    let gone: Vec<_> = families
        .into_iter()
        .filter(|(_, left, capacity)| *left == 0 && *capacity > 0)
        .map(|(family, _, capacity)| match capacity {
            1 => format!("the only {family} address is in use"),
            _ => format!("all {capacity} {family} addresses are in use"),
        })
        .collect();
    let (status, reason, message) = if gone.is_empty() {
        (false, Reason::AddressesLeft, "there are addresses left".to_owned())
    } else {
        let (count, waiting) = allocator.waiting_for(name);
        let gone = gone.join(", ");
        match list(count, waiting.map(ToString::to_string)) {
            None => (true, Reason::AllAddressesInUse, format!("{gone}; no Service waits for one")),
            Some(waiting) => {
                let services = if count == 1 { "1 Service waits" } else { &format!("{count} Services wait") };
                let advice = "add addresses to the pool, or delete Services that are not needed";
                (
                    true,
                    Reason::ServicesWaiting,
                    format!("{gone}; {services} for one: {waiting}. To serve them, {advice}"),
                )
            }
        }
    };
    Condition { kind: ConditionType::Exhausted, status, reason, message }
}

fn retained(name: &str, usable: bool, usage: PoolUsage, allocator: &Allocator) -> Condition {
    let count = usize::try_from(usage.retained).unwrap_or(usize::MAX);
    let named = allocator.retained(name).map(|(address, service)| format!("{address} ({service})"));
    let (status, reason, message) = match list(count, named) {
        None => (false, Reason::NoneRetained, "every address in use that came from this pool is in it".to_owned()),
        Some(list) => {
            let (reason, fix) = if usable {
                (
                    Reason::AddressesOutsidePool,
                    "add them to the pool again, or annotate the Services with metallb.io/reallocate to move them",
                )
            } else {
                (Reason::PoolNotAccepted, "put the pool in order")
            };
            let addresses = if count == 1 { "1 address" } else { &format!("{count} addresses") };
            let message = format!(
                "{addresses} in use came from this pool and are outside of it now: {list}. The Services keep what they \
                 have and nobody else gets it; {fix}"
            );
            (true, reason, message)
        }
    };
    Condition { kind: ConditionType::Retained, status, reason, message }
}

/// The first few of `count` items, and how many more there are; `None` without any.
fn list(count: usize, items: impl Iterator<Item = String>) -> Option<String> {
    let mut named: Vec<_> = items.take(NAMED).collect();
    if count > named.len() {
        named.push(format!("and {} more", count - named.len()));
    }
    (count > 0).then(|| named.join(", "))
}
