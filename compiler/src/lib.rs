//! What the configuration objects mean.
//!
//! Controller, speaker and command line must never disagree about which pool an address belongs
//! to or which advertisement covers it. So all three hand the objects they watch to one pure
//! function, [`compile()`], and ask the answer:
//!
//! ```text
//!  IPAddressPool    ┐
//!  L2Advertisement  │                       ┌ Config    pools, advertisements, peers, free ranges,
//!  BGPAdvertisement │                       │           selectors; shared, immutable, asked per Service
//!  BGPPeer          ├ Objects → compile() ──┤
//!  Community        │                       └ Verdict   per object: in order? if not, what to write
//!  BFDProfile       │
//!  Namespace        ┘
//! ```
//!
//! - [`object`]: the input, plain values without a Kubernetes type.
//! - [`address`]: what an item of `spec.addresses` means; arithmetic on address ranges.
//! - [`selector`]: label selectors, checked once and then only asked.
//! - [`config`]: the output, and the questions it answers.
//! - [`bgp`]: what advertisements make of one Service, as routes.
//! - [`verdict`]: what is to be said about each object, for a person.
//! - [`compile`](mod@compile): the way from one to the other; overlaps are settled there.
//!
//! Two rules shape everything here. *One bad object spoils nothing but itself*: it is left out and
//! its verdict says why. *The result depends on the objects only*, not on their order or on what
//! was compiled before, so every program on every node comes to the same [`Config`].

pub mod address;
pub mod bgp;
pub mod compile;
pub mod config;
mod duration;
pub mod object;
pub mod selector;
pub mod verdict;

pub use address::{AddressError, AddressRange, Family};
pub use compile::{Compilation, compile};
pub use config::{BgpAdvertisement, BgpPeer, Config, Home, L2Advertisement, Pool};
pub use object::Objects;
pub use selector::{Selector, SelectorError};
pub use verdict::{Condition, ConditionType, Kind, Reason, Verdict};
