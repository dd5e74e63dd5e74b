//! The controller under random sequences, a million steps of them: two replicas whose watches lag and say things in
//! another order, requests and replies that are lost or late, leaders that stop between deciding and sending and wake
//! up under their successor, crashes, users who edit faster than anybody can follow.
//!
//! After every step the promises of DESIGN hold: no address is on two Services, and none moves without its Service's
//! wish. When everything has come to rest, everybody who can have an address has one, by a plain search through all
//! addresses, and a relist, a restart or a change of leaders writes nothing more.
//!
//! A failure prints its seed; `HERALD_MODEL_SEED=<seed>` repeats that case alone. `HERALD_MODEL_STEPS` is how many
//! steps to walk.

mod naive;
mod replica;
mod step;
mod world;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use step::Step;
use world::World;

/// Steps walked in each of the two tests.
const STEPS: usize = 500_000;
/// Sequences for one seed.
const CASES: u32 = 64;

#[test]
fn promises_hold_without_sharing() {
    walk(false);
}

#[test]
fn promises_hold_with_sharing() {
    walk(true);
}

fn walk(sharing: bool) {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().expect(name));
    let only = number("HERALD_MODEL_SEED");
    let wanted = number("HERALD_MODEL_STEPS").map_or(STEPS, |steps| usize::try_from(steps).unwrap());
    let first = only.unwrap_or_else(|| u64::from(std::process::id()) << 20);
    let mut walked = 0;
    for seed in first.. {
        walked += batch(seed, sharing);
        if walked >= wanted || only.is_some() {
            break;
        }
    }
    eprintln!("{walked} steps, from seed {first}");
}

/// Walks the sequences of a seed; returns how many steps they have.
fn batch(seed: u64, sharing: bool) -> usize {
    let config = Config { cases: CASES, failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let walked = std::cell::Cell::new(0);
    let result = runner.run(&step::sequence(sharing), |steps| {
        walked.set(walked.get() + steps.len());
        one(steps, sharing)
    });
    match result {
        Ok(()) => walked.get(),
        Err(TestError::Fail(why, steps)) => {
            let steps: Vec<_> = steps.iter().map(|step| format!("  {step:?}")).collect();
            panic!("{why}\nseed: HERALD_MODEL_SEED={seed}\nsmallest sequence:\n{}", steps.join("\n"))
        }
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
}

fn one(steps: Vec<Step>, sharing: bool) -> Result<(), TestCaseError> {
    let mut world = World::new(sharing);
    for step in steps {
        world.step(step)?;
    }
    world.rest()?;
    world.check_rest()
}
