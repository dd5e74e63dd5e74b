//! What the controller sees of the API server: objects, reduced on arrival to what it uses.

mod report;
mod service;
mod session;
mod state;
mod streams;
mod wire;

pub use report::{Said, SeenReport};
pub use service::{AllocatedCondition, AnnouncedCondition, SeenService};
pub use session::{SeenSession, SessionName};
pub use state::SeenState;
pub use streams::{Observed, configuration, services};
pub use wire::LeanService;

/// Names that users and other programs know, from the API that Herald is compatible with.
pub mod names {
    /// Prefix of all annotations.
    pub const PREFIX: &str = "metallb.io/";
    /// Older prefix of the annotations that users set; read, reported as deprecated, never written.
    pub const OLD_PREFIX: &str = "metallb.universe.tf/";
    /// Annotation, set by users: take addresses of this pool.
    pub const ADDRESS_POOL: &str = "address-pool";
    /// Annotation, set by users: take these addresses.
    pub const ADDRESSES: &str = "loadBalancerIPs";
    /// Annotation, set by users: share the address with Services that have the same value.
    pub const SHARED: &str = "allow-shared-ip";
    /// Annotation, set by the controller: the pool the addresses came from.
    pub const FROM_POOL: &str = "metallb.io/ip-allocated-from-pool";
    /// Annotation, set by the controller: the term in which somebody last looked at a Service that waits.
    pub const EPOCH: &str = "metallb.io/allocator-epoch";
    /// Annotation, set by users and removed by the controller: move the Service to another address, once.
    pub const REALLOCATE: &str = "metallb.io/reallocate";
    /// Condition on Services: has it the addresses it should have?
    pub const ALLOCATED: &str = "metallb.io/Allocated";
    /// Condition on Services: does anybody announce them?
    pub const ANNOUNCED: &str = "metallb.io/Announced";
    /// Name of the controller's ConfigurationState, and the value of its label [`COMPONENT`].
    pub const CONTROLLER: &str = "controller";
    /// Label on ConfigurationStates: which program it is about.
    pub const COMPONENT: &str = "metallb.io/component-type";
    /// Condition on the controller's ConfigurationState: is every object used?
    pub const POOLS_VALID: &str = "poolReconcilerValid";
}
