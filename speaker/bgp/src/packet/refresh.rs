//! ROUTE-REFRESH messages.

use crate::value::Family;

/// A ROUTE-REFRESH message (RFC 2918, RFC 7313).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteRefresh {
    /// Of which routes.
    pub family: Family,
    /// What it says.
    pub kind: RefreshKind,
}

/// Message subtype (RFC 7313 §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshKind {
    /// 0: send all routes again.
    Request,
    /// 1: all routes follow again.
    Begin,
    /// 2: those were all.
    End,
}
