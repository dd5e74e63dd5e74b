//! What may happen.

use proptest::prelude::*;

/// Names of Services.
const NAMES: u8 = 6;
/// Replicas of the controller.
pub(super) const REPLICAS: usize = 2;

#[derive(Clone, Debug)]
pub(super) enum Step {
    /// A user creates a Service, or changes what an existing one asks for.
    Edit { name: u8, spec: Spec },
    /// A user deletes a Service, or changes its type: the same to us.
    Delete { name: u8 },
    /// Somebody empties the status of a Service by hand.
    Wipe { name: u8 },
    /// A user asks for a Service to be moved.
    Reallocate { name: u8 },
    /// A user edits the pools.
    Pools { choice: usize },
    /// A user labels the namespaces otherwise: each is of the team or not.
    Namespaces { shop: bool, bank: bool },
    /// A replica's watches say the next things that they have not said yet.
    Watch { replica: usize, count: usize },
    /// Two things of different objects come in the other order.
    Swap { replica: usize },
    /// A replica's watch of Services lists everything again.
    Relist { replica: usize },
    /// A replica begins what is to be done, if it leads.
    Begin { replica: usize, room: usize },
    /// A request under way, maybe of a leader of long ago, reaches the server.
    Arrive { pick: usize, fate: Fate },
    /// Time passes.
    Wait { ms: u64 },
    /// A replica dies and starts again. What it has sent is still under way.
    Crash { replica: usize },
    /// The Lease changes hands.
    Lead { replica: usize },
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fate {
    Good,
    RequestLost,
    ReplyLost,
}

/// What a Service asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spec {
    /// Requested address, by its last number.
    pub(super) address: Option<u8>,
    /// Requested pool.
    pub(super) pool: Option<u8>,
    /// IPv4 and IPv6.
    pub(super) dual: bool,
    /// 0: SingleStack, 1: PreferDualStack, 2: RequireDualStack.
    pub(super) policy: u8,
    /// Sharing key.
    pub(super) key: Option<u8>,
    pub(super) port: u16,
}

fn spec(sharing: bool) -> impl Strategy<Value = Spec> {
    let wish = prop_oneof![
        5 => Just((None, None)),
        3 => (0..7_u8).prop_map(|address| (Some(address), None)),
        2 => (0..3_u8).prop_map(|pool| (None, Some(pool))),
    ];
    let key = if sharing { proptest::option::weighted(0.8, 0..2_u8).boxed() } else { Just(None).boxed() };
    (wish, prop::bool::weighted(0.3), 0..3_u8, key, 80..83_u16)
        .prop_map(|((address, pool), dual, policy, key, port)| Spec { address, pool, dual, policy, key, port })
}

fn step(sharing: bool) -> impl Strategy<Value = Step> {
    let replica = 0..REPLICAS;
    let fate = prop_oneof![6 => Just(Fate::Good), 1 => Just(Fate::RequestLost), 1 => Just(Fate::ReplyLost)];
    prop_oneof![
        5 => (0..NAMES, spec(sharing)).prop_map(|(name, spec)| Step::Edit { name, spec }),
        2 => (0..NAMES).prop_map(|name| Step::Delete { name }),
        1 => (0..NAMES).prop_map(|name| Step::Wipe { name }),
        1 => (0..NAMES).prop_map(|name| Step::Reallocate { name }),
        1 => (0..super::world::POOLS.len()).prop_map(|choice| Step::Pools { choice }),
        1 => any::<(bool, bool)>().prop_map(|(shop, bank)| Step::Namespaces { shop, bank }),
        7 => (replica.clone(), 1..5_usize).prop_map(|(replica, count)| Step::Watch { replica, count }),
        1 => replica.clone().prop_map(|replica| Step::Swap { replica }),
        1 => replica.clone().prop_map(|replica| Step::Relist { replica }),
        9 => (replica.clone(), 1..4_usize).prop_map(|(replica, room)| Step::Begin { replica, room }),
        9 => (any::<usize>(), fate).prop_map(|(pick, fate)| Step::Arrive { pick, fate }),
        2 => prop_oneof![Just(60_u64), Just(1_000), Just(60_000)].prop_map(|ms| Step::Wait { ms }),
        1 => replica.clone().prop_map(|replica| Step::Crash { replica }),
        2 => replica.prop_map(|replica| Step::Lead { replica }),
    ]
}

pub(super) fn sequence(sharing: bool) -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(sharing), 1..200)
}
