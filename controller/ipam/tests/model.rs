//! The allocator under random sequences of what can happen to it.
//!
//! A small cluster of plain values stands on the other side: Services with a status, writes that
//! are on their way and land late, in another order, or not at all, users who edit Services and
//! pools, and controllers that die. After every step the promises of DESIGN must hold:
//!
//! 1. no double allocation, and
//! 2. addresses do not move by themselves,
//!
//! and whatever is given anew must be what a naive allocator gives that walks all addresses.

mod model {
    pub mod naive;
    pub mod world;
}

use model::world::{Step, World, steps};
use proptest::prelude::*;

fn run(steps: Vec<Step>, sharing: bool) -> Result<(), TestCaseError> {
    let mut world = World::new(sharing);
    for step in steps {
        world.step(step)?;
        world.check()?;
    }
    world.settle()?;
    world.check_settled()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn promises_hold_without_sharing(steps in steps()) {
        run(steps, false)?;
    }

    #[test]
    fn promises_hold_with_sharing(steps in steps()) {
        run(steps, true)?;
    }
}
