//! The numbers of BGP, each a type of its own.

mod asn;
mod community;
mod family;
mod hold_time;
mod prefix;
mod router_id;

pub use asn::Asn;
pub use community::{Community, ExtendedCommunity, LargeCommunity};
pub use family::Family;
pub use hold_time::{HoldTime, InvalidHoldTime};
pub use prefix::Prefix;
pub use router_id::RouterId;
