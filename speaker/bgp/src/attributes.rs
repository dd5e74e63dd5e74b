//! What is said of a route, whatever the session it goes out on.
//!
//! Next hop and AS path are not here: they follow from the session (see [`crate::packet`]).

use std::collections::BTreeSet;

use crate::value::{Community, ExtendedCommunity, LargeCommunity};

/// What is said of a route. Equal values share UPDATE messages, so share one value by `Arc` among routes.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attributes {
    /// LOCAL_PREF, told to internal peers only; `None` means 100 there (RFC 4271 §5.1.5 asks for one).
    pub local_pref: Option<u32>,
    /// MULTI_EXIT_DISC.
    pub med: Option<u32>,
    /// How many times more than once the own AS number stands in the path that external peers see.
    pub prepend: u8,
    /// Standard communities.
    pub communities: BTreeSet<Community>,
    /// Large communities.
    pub large_communities: BTreeSet<LargeCommunity>,
    /// Extended communities.
    pub extended_communities: BTreeSet<ExtendedCommunity>,
}
