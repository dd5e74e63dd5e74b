//! Aggregates that hold more than what the pool lists.
//!
//! A prefix that is announced attracts traffic for every address in it, also for those of somebody else. So it may be
//! as long as the longest whole prefix inside what the user listed, not shorter; where it is shorter, addresses are
//! announced one by one ([`wanted`](crate::bgp::wanted) does so), and the advertisement says it.

use crate::address::{AddressRange, Family};
use crate::config::{BgpAdvertisement, Pool};
use crate::verdict::Reason;

/// How many ranges a message spells out before it only counts the rest.
const SPELLED_OUT: usize = 5;

/// What of an advertisement is not used for this reason; `None`: nothing. `pools` come by name.
pub(super) fn misfit(advertisement: &BgpAdvertisement, pools: &[Pool]) -> Option<(Reason, String)> {
    let sentences: Vec<_> =
        [Family::V4, Family::V6].into_iter().filter_map(|family| sentence(advertisement, pools, family)).collect();
    (!sentences.is_empty()).then(|| (Reason::AggregationTooShort, sentences.join(". ")))
}

fn sentence(advertisement: &BgpAdvertisement, pools: &[Pool], family: Family) -> Option<String> {
    let length = advertisement.length(family);
    if length == family.bits() {
        return None;
    }
    let mut first = Vec::new();
    let mut count = 0_usize;
    let mut needed = length;
    for (pool, range) in listed(advertisement, pools).filter(|(_, range)| range.family() == family) {
        let shortest = range.shortest_prefix();
        if shortest > length {
            count += 1;
            needed = needed.max(shortest);
            if first.len() < SPELLED_OUT {
                first.push(format!("{range} (pool \"{}\", at best a /{shortest})", pool.name));
            }
        }
    }
    if count == 0 {
        return None;
    }
    let rest = count - first.len();
    if rest > 0 {
        first.push(format!("and {rest} more"));
    }
    let field = match family {
        Family::V4 => "aggregationLength",
        Family::V6 => "aggregationLengthV6",
    };
    Some(format!(
        "{field} {length} is too short for {}: a /{length} would hold addresses outside of it, so {family} addresses there \
         are announced one by one. Write {field} {needed} or more, or advertise that pool separately",
        first.join(", ")
    ))
}

/// Everything that the pools of an advertisement list.
fn listed<'a>(
    advertisement: &'a BgpAdvertisement,
    pools: &'a [Pool],
) -> impl Iterator<Item = (&'a Pool, &'a AddressRange)> {
    pools
        .iter()
        .filter(|pool| advertisement.pools.contains(&pool.name))
        .flat_map(|pool| pool.ranges.iter().map(move |range| (pool, range)))
}
