//! The `metallb.io` API: its kinds as Rust types, the CustomResourceDefinitions generated from
//! them, and the border to the pure crates.
//!
//! ```text
//!  pool, l2_advertisement, …   types with their schema attributes and CEL rules (rules)
//!        │ derive(CustomResource, KubeSchema)
//!        ▼
//!  definition::all()           what the derives can't say: one schema for two versions,
//!        │                     no nullable, strategy None
//!        ▼
//!  yaml/*.yaml                 written by the `crdgen` program, applied by kustomize
//!
//!  border                      API objects → herald_compiler::object, verdicts → conditions
//! ```
//!
//! The fields are MetalLB's, so that every manifest keeps working; where Herald adds to an object
//! it does so in `status.conditions`. Extension fields of a spec stand under one object
//! `spec.herald`, absent by default.
//!
//! The types are lenient: what a schema forbids (an unknown operator, a port out of range) still
//! deserializes, because one such object from the time before these schemas must not stop the
//! watch of all others. The compiler then leaves it out and says why.
#![expect(unreachable_pub, reason = "derive(KubeSchema) repeats each type, with its visibility, inside a function")]

pub mod bfd_profile;
pub mod bgp_advertisement;
pub mod bgp_peer;
pub mod bgp_session_state;
pub mod border;
pub mod community;
pub mod condition;
pub mod configuration_state;
pub mod definition;
pub mod l2_advertisement;
pub mod pool;
pub mod rules;
pub mod selector;
pub mod service_status;

pub use bfd_profile::{BFDProfile, BFDProfileSpec};
pub use bgp_advertisement::{BGPAdvertisement, BGPAdvertisementSpec, BGPExtension};
pub use bgp_peer::{BGPPeer, BGPPeerSpec, PeerExtension, SecretReference};
pub use bgp_session_state::{BGPSessionState, BGPSessionStateSpec, BGPSessionStateStatus, SessionPrefixes};
pub use community::{Community, CommunityAlias, CommunitySpec};
pub use condition::ConditionsStatus;
pub use configuration_state::{ConfigurationState, ConfigurationStateFields, ConfigurationStateStatus};
pub use l2_advertisement::{L2Advertisement, L2AdvertisementSpec, L2Extension, PreferredNodeSelector};
pub use pool::{IPAddressPool, IPAddressPoolSpec, IPAddressPoolStatus, PoolExtension, ServiceAllocation};
pub use selector::{LabelSelector, LabelSelectorRequirement};
pub use service_status::{
    InterfaceStatus, ServiceBGPStatus, ServiceBGPStatusSpec, ServiceBGPStatusStatus, ServiceL2Status,
    ServiceL2StatusSpec, ServiceL2StatusStatus,
};

/// API group of all kinds.
pub const GROUP: &str = "metallb.io";
