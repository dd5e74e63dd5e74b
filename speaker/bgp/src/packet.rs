//! Messages, and their bytes.
//!
//! | message | here | source |
//! |---|---|---|
//! | OPEN | [`Open`], [`Capability`] | RFC 4271 §4.2, RFC 5492, RFC 9072 |
//! | UPDATE | [`ReceivedUpdate`] | RFC 4271 §4.3, RFC 4760, RFC 7606 |
//! | NOTIFICATION | [`Notification`] | RFC 4271 §4.5, RFC 4486, RFC 8538, RFC 9003 |
//! | KEEPALIVE | [`Message::Keepalive`] | RFC 4271 §4.4 |
//! | ROUTE-REFRESH | [`RouteRefresh`] | RFC 2918, RFC 7313 |

mod notification;
mod open;
mod refresh;
mod update;

pub use notification::Notification;
pub use open::{Capability, GracefulRestart, Open};
pub use refresh::{RefreshKind, RouteRefresh};
pub use update::{ReceivedUpdate, Treatment};

/// A message that was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// OPEN.
    Open(Open),
    /// UPDATE, reduced to what an announcer needs to know of it.
    Update(ReceivedUpdate),
    /// NOTIFICATION.
    Notification(Notification),
    /// KEEPALIVE.
    Keepalive,
    /// ROUTE-REFRESH of a family that we have.
    RouteRefresh(RouteRefresh),
    /// ROUTE-REFRESH of another family or of an unknown subtype, to be ignored and counted.
    OtherRefresh,
}
