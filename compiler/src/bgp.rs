//! What BGP is to say of the addresses of a Service.
//!
//! ```text
//!  advertisements that match ┐            ┌ prefix A: of x, y ┐             ┌ to peer 1: x and y as one
//!  node and Service          ├ wanted() ──┤                   ├ attributes()┤
//!  addresses with their home ┘            └ prefix B: of x    ┘             └ to peer 2: only y's (x names other peers)
//! ```
//!
//! [`wanted`] asks: which prefixes, and on behalf of which advertisements? A prefix may come from several
//! advertisements and from several Services; [`attributes`] then says what one peer is told of it, the same in whatever
//! order they came. Both are pure, know one Service or one prefix only, and so cost the same among ten Services and
//! among ten thousand.
//!
//! No type of the protocol crate stands here: the values are those of the RFCs, and the speaker converts them.

mod attributes;
mod community;
mod conflict;
mod prefix;
mod routes;
#[cfg(test)]
mod tests;

pub use attributes::{Attributes, attributes};
pub use community::{Community, CommunityError, ExtendedCommunity, LargeCommunity, StandardCommunity, well_known};
pub use conflict::{Conflict, Dispute, conflicting};
pub(crate) use conflict::{share_a_length, share_a_peer};
pub use prefix::Prefix;
pub use routes::{Wanted, wanted};
