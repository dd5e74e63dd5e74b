//! Messages, and their bytes.
//!
//! ```text
//!   bytes ─► frame::split ─► Frame ─► decode ─► Message              Open, … ─► open(), update::announce(), … ─► bytes
//!            header right?            │
//!                                     └─ UPDATE: guard ─► zettabgp reads the prefixes that the guard has measured
//! ```
//!
//! | message | here | source |
//! |---|---|---|
//! | OPEN | [`Open`], [`Capability`] | RFC 4271 §4.2, RFC 5492, RFC 9072 |
//! | UPDATE | [`ReceivedUpdate`], [`guard`], [`update`] | RFC 4271 §4.3, RFC 4760, RFC 7606 |
//! | NOTIFICATION | [`Notification`] | RFC 4271 §4.5, RFC 4486, RFC 8538, RFC 9003 |
//! | KEEPALIVE | [`Message::Keepalive`] | RFC 4271 §4.4 |
//! | ROUTE-REFRESH | [`RouteRefresh`] | RFC 2918, RFC 7313 |
//!
//! Whatever the bytes are: work and memory are bounded by the length of a message, nothing panics, and an error is the
//! NOTIFICATION to answer with.

pub mod frame;
pub mod guard;
mod notification;
mod open;
mod reader;
mod refresh;
mod text;
pub mod update;
mod zetta;

use std::collections::BTreeSet;

use crate::value::Family;
pub use frame::{Frame, MessageType};
pub use notification::{Notification, code};
pub use open::{Capability, GracefulRestart, Open, encode as open};
pub use refresh::{RefreshKind, RouteRefresh, encode as route_refresh};
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

/// What both ends have agreed on, as far as it changes the meaning of received bytes. By default nothing, as before OPEN.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decoding {
    /// The peer is in another AS: LOCAL_PREF, ORIGINATOR_ID and CLUSTER_LIST are not for it to set.
    pub external: bool,
    /// AS numbers in paths have four octets (RFC 6793).
    pub four_octet_asn: bool,
    /// ROUTE-REFRESH has subtypes (RFC 7313).
    pub enhanced_refresh: bool,
    /// Families whose routes count; those of others are skipped.
    pub families: BTreeSet<Family>,
}

/// The message in `frame`.
///
/// # Errors
/// What to answer before the session ends.
pub fn decode(frame: Frame<'_>, decoding: &Decoding) -> Result<Message, Notification> {
    match frame.kind() {
        MessageType::Open => open::decode(frame.body()).map(Message::Open),
        MessageType::Update => update::receive(frame.body(), decoding).map(Message::Update),
        MessageType::Notification => Ok(Message::Notification(Notification::decode(frame.body()))),
        MessageType::Keepalive => Ok(Message::Keepalive),
        MessageType::RouteRefresh => refresh::decode(frame, decoding.enhanced_refresh),
    }
}

/// A KEEPALIVE message.
#[must_use]
pub fn keepalive() -> Vec<u8> {
    frame::join(MessageType::Keepalive, &[])
}

/// A NOTIFICATION message; data that does not fit into 4096 octets is cut.
#[must_use]
pub fn notification(notification: &Notification) -> Vec<u8> {
    notification.encode()
}
