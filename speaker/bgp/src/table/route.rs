//! One prefix of the table.

use std::sync::Arc;

use crate::attributes::Attributes;

/// One prefix: what the peer is to have, what it has, and what is under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Route {
    /// What the peer is to have.
    pub(super) desired: Option<Arc<Attributes>>,
    /// What it was sent last.
    pub(super) sent: Option<Arc<Attributes>>,
    /// The group in which the prefix waits to be announced.
    pub(super) waits: Option<Arc<Attributes>>,
    /// It is to be sent whatever the peer has, and something waits for that.
    pub(super) swept: bool,
}
