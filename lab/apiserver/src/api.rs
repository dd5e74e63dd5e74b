//! What every request handler shares.

use std::sync::Arc;

use crate::auth::Auth;
use crate::meta::Ids;
use crate::registry::Registry;
use crate::server::{Pace, Tally};
use crate::store::Store;

/// The server's state: one per [`crate::ApiServer`], shared by all connections.
#[derive(Debug)]
pub(crate) struct Api {
    /// All objects.
    pub(crate) store: Store,
    /// All resources that are served.
    pub(crate) registry: Registry,
    /// Who may do what.
    pub(crate) auth: Auth,
    /// Source of UIDs, generated names and tokens.
    pub(crate) ids: Ids,
    /// How long a write takes.
    pub(crate) pace: Pace,
    /// Who asked for what, and how often.
    pub(crate) tally: Tally,
}

impl Api {
    /// An empty server that knows the built-in resources and one administrator's token.
    pub(crate) fn new(admin_token: &str, history: usize, pace: Pace) -> Arc<Self> {
        Arc::new(Self {
            store: Store::new(history),
            registry: Registry::with_built_ins(),
            auth: Auth::new(admin_token),
            ids: Ids::new(),
            pace,
            tally: Tally::default(),
        })
    }
}
