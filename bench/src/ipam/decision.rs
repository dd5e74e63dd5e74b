//! What one decision costs, with few and with many other Services around.

use std::net::IpAddr;

use anyhow::{Context as _, Result};
use herald_ipam::Allocator;
use herald_lab::clock;
use std::hint::black_box;

use super::world;
use crate::measurement::Measurement;

/// How many others there are.
const OTHERS: [usize; 3] = [100, 10_000, 50_000];

/// Changes that are timed together; shorter times than this many the clock does not tell well.
const BATCH: usize = 64;

/// Batches; the median counts.
const BATCHES: usize = 151;

/// How much more a decision may cost among the most than among the fewest. It is what the caches
/// of the machine miss, not what the algorithm does.
const GROWTH: f64 = 4.0;

/// A decision is to take microseconds.
const BUDGET_NS: f64 = 10_000.0;

/// Measures a Service that changes, and one that goes and comes again.
pub fn measure() -> Result<Vec<Measurement>> {
    let mut rows = Vec::new();
    let mut costs = Vec::new();
    for others in OTHERS {
        let mut world = World::of(others)?;
        let changed = median(|| world.change())?;
        let replaced = median(|| world.replace())?;
        rows.push(Measurement::told(format!("decision_{others}"), changed, "ns").should_be_at_most(BUDGET_NS));
        rows.push(
            Measurement::told(format!("release_and_assign_{others}"), replaced, "ns").should_be_at_most(BUDGET_NS),
        );
        costs.push((changed, replaced));
    }
    if let [(changed, replaced), .., (changed_among_many, replaced_among_many)] = costs[..] {
        for (name, growth) in [
            ("decision_growth", changed_among_many / changed),
            ("release_and_assign_growth", replaced_among_many / replaced),
        ] {
            rows.push(Measurement::told(name, growth, "x").must_be_at_most(GROWTH));
        }
    }
    Ok(rows)
}

/// An allocator with Services, of which always the next one in a scattered order changes.
struct World {
    allocator: Allocator,
    addresses: Vec<IpAddr>,
    next: usize,
}

impl World {
    fn of(count: usize) -> Result<Self> {
        let mut allocator = world::allocator();
        let addresses = (0..count).map(|number| world::serve(&mut allocator, number)).collect::<Result<_>>()?;
        Ok(Self { allocator, addresses, next: 0 })
    }

    /// A Service's ports change, and it is decided again: it keeps its address.
    fn change(&mut self) -> Result<f64> {
        let mut requests = Vec::with_capacity(BATCH);
        for _ in 0..BATCH {
            let number = self.scattered();
            let mut request = world::service(number, self.addresses.get(number).copied());
            request.terms = herald_ipam::Terms::new(None, "", []);
            requests.push(request);
        }
        let begun = clock::now();
        for request in &requests {
            black_box(self.allocator.decide(request));
        }
        Ok(per_piece(begun))
    }

    /// A Service is deleted, and another one gets an address: its own, which is free again.
    fn replace(&mut self) -> Result<f64> {
        let numbers: Vec<_> = (0..BATCH).map(|_| self.scattered()).collect();
        let requests: Vec<_> = numbers.iter().map(|number| world::service(*number, None)).collect();
        let mut decided = Vec::with_capacity(BATCH);
        let begun = clock::now();
        for request in &requests {
            self.allocator.release(&request.key);
            decided.push(self.allocator.decide(request));
        }
        let cost = per_piece(begun);
        for (number, decision) in numbers.into_iter().zip(decided) {
            let address = *decision.addresses().first().context("no address is left in a /8")?;
            self.allocator.decide(&world::service(number, Some(address)));
            if let Some(known) = self.addresses.get_mut(number) {
                *known = address;
            }
        }
        Ok(cost)
    }

    fn scattered(&mut self) -> usize {
        self.next = (self.next + 7919) % self.addresses.len();
        self.next
    }
}

fn per_piece(begun: std::time::Instant) -> f64 {
    let pieces = u32::try_from(BATCH).unwrap_or(u32::MAX);
    (clock::now() - begun).as_secs_f64() * 1e9 / f64::from(pieces)
}

fn median(mut batch: impl FnMut() -> Result<f64>) -> Result<f64> {
    let mut costs = (0..BATCHES).map(|_| batch()).collect::<Result<Vec<_>>>()?;
    costs.sort_by(f64::total_cmp);
    costs.get(BATCHES / 2).copied().context("nothing was timed")
}
