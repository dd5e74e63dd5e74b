//! Moves of a layer-2 address, as its users see them.
//!
//! ```text
//!  Arena          a cluster, a pod on every node, one Service with one address
//!   └─ Watch      probes on three clients, from before the fault until all is calm
//!       └─ Row    what they noticed: silence, losses, new clients, two owners, connections
//! ```
//!
//! A [`Scenario`] breaks or moves something, and mends it again, so that many
//! of them can follow each other in one arena; each step of it is a row. What
//! a row must come to is for its reader to say: the end-to-end suite, and the
//! family `layer2` of `herald-bench`.

pub mod arena;
mod endpoint;
pub mod ground;
mod label;
mod node;
mod partition;
pub mod row;
mod speaker;
pub mod vigil;
pub mod watch;

use anyhow::Result;

pub use arena::{Arena, Family, Setup};
pub use ground::Ground;
pub use row::Row;
pub use vigil::Vigil;
pub use watch::Watch;

/// Something that happens to the owner of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scenario {
    /// Nothing: how quiet the machine is that all others are measured on.
    Steady,
    /// Its speaker is killed, and later started again.
    SpeakerKilled,
    /// Its speaker is asked to end and started again at once.
    SpeakerRestarted,
    /// Its speaker ends for good: the node is about to be removed.
    SpeakerStopped,
    /// One speaker after the other is asked to end and started again.
    RollingRestart,
    /// Its node's frames are lost without a link going down, and later not any more.
    NodeSilent,
    /// Its node loses carrier, and gets it back.
    CarrierDown,
    /// Its only local endpoint terminates, but still serves.
    EndpointTerminating,
    /// Its only local endpoint leaves the EndpointSlice at once, though its pod serves.
    EndpointRemoved,
    /// Its only local pod is killed without grace.
    PodKilled,
    /// Its node is excluded by label, and included again.
    Excluded,
    /// Its speaker's membership datagrams are lost and nothing else, and later not any more.
    MembershipParted,
    /// Its node and the others don't reach each other, while clients reach both; and later they do.
    NodesParted,
}

impl Scenario {
    /// All of them, in the order they are played.
    pub const ALL: [Scenario; 13] = [
        Scenario::Steady,
        Scenario::SpeakerKilled,
        Scenario::SpeakerRestarted,
        Scenario::SpeakerStopped,
        Scenario::RollingRestart,
        Scenario::NodeSilent,
        Scenario::CarrierDown,
        Scenario::EndpointTerminating,
        Scenario::EndpointRemoved,
        Scenario::PodKilled,
        Scenario::Excluded,
        Scenario::MembershipParted,
        Scenario::NodesParted,
    ];

    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Scenario::Steady => "steady",
            Scenario::SpeakerKilled => "speaker_killed",
            Scenario::SpeakerRestarted => "speaker_restarted",
            Scenario::SpeakerStopped => "speaker_stopped",
            Scenario::RollingRestart => "rolling_restart",
            Scenario::NodeSilent => "node_silent",
            Scenario::CarrierDown => "carrier_down",
            Scenario::EndpointTerminating => "endpoint_terminating",
            Scenario::EndpointRemoved => "endpoint_removed",
            Scenario::PodKilled => "pod_killed",
            Scenario::Excluded => "excluded",
            Scenario::MembershipParted => "membership_parted",
            Scenario::NodesParted => "nodes_parted",
        }
    }

    /// Plays it; afterwards everything is as it was before.
    ///
    /// # Errors
    /// When the lab fails, or the address does not come to rest.
    pub async fn play(self, arena: &mut Arena) -> Result<Vec<Row>> {
        match self {
            Scenario::Steady => {
                let watch = Watch::start(&arena.ground()).await?;
                Ok(vec![watch.finish(&arena.ground(), "steady").await?])
            }
            Scenario::SpeakerKilled => speaker::killed(arena).await,
            Scenario::SpeakerRestarted => speaker::restarted(arena).await,
            Scenario::SpeakerStopped => speaker::stopped(arena).await,
            Scenario::RollingRestart => speaker::rolling(arena).await,
            Scenario::NodeSilent => node::silent(arena).await,
            Scenario::CarrierDown => node::carrier(arena).await,
            Scenario::EndpointTerminating => endpoint::terminating(arena).await,
            Scenario::EndpointRemoved => endpoint::removed(arena).await,
            Scenario::PodKilled => endpoint::killed(arena).await,
            Scenario::Excluded => label::excluded(arena).await,
            Scenario::MembershipParted => partition::membership(arena).await,
            Scenario::NodesParted => partition::nodes(arena).await,
        }
    }
}
