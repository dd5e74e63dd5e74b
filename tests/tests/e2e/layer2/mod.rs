//! Who owns an address on layer 2, and what users notice when that changes.
//!
//! Scenarios are played in an arena of three nodes ([`herald_tests::layer2`]);
//! what is asserted here is what must hold on every machine: one owner in
//! steady state, another one within the bound when it is lost, no silence when
//! it is not, and connections only where they can be served. `make bench`
//! holds the same steps against the budgets.

mod drains;
mod failback;
mod goodbyes;
mod losses;
mod partitions;
mod planned;
mod rotation;
mod steady;
mod surroundings;

use anyhow::Result;
use herald_tests::layer2::{Arena, Family, Row, Scenario, Setup};

/// The longest that nobody may answer for an address whose owner was lost, in milliseconds.
const BOUND: f64 = 1000.0;

/// The longest that two may answer after they could hear each other again, in milliseconds.
const TWO_OWNERS: f64 = 1000.0;

/// Plays scenarios one after the other.
async fn play(family: Family, scenarios: &[Scenario]) -> Result<Vec<Row>> {
    let mut arena = Arena::in_turn(Setup::new(3, family)).await?;
    let mut rows = Vec::new();
    for scenario in scenarios {
        rows.extend(scenario.play(&mut arena).await?);
    }
    Ok(rows)
}

/// A time in milliseconds, made longer as far as the machine was slower than it should be.
fn allowed(time: f64, row: &Row) -> f64 {
    time * row.slowness()
}

/// Fails if the address was without an owner for longer than the bound, or with two for too long,
/// or if it did not come to rest so that everybody reaches it.
fn bounded(row: &Row) {
    assert!(row.unanswered <= allowed(BOUND, row), "nobody answered for too long: {row:#?}");
    assert!(row.silence <= allowed(BOUND, row), "nobody could connect for too long: {row:#?}");
    assert!(row.two_owners <= allowed(TWO_OWNERS, row), "two nodes answered for too long: {row:#?}");
    assert!(row.sent > 30, "it was watched: {row:#?}");
}
