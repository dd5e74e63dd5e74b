//! What has happened so far.

/// How often something has happened since the session was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// `Action::Up`.
    pub established: u64,
    /// `Action::Down`.
    pub lost: u64,
    /// `Action::Failed`.
    pub failed: u64,
    /// `Action::Connect`.
    pub connects: u64,
    /// Connections of the peer that were refused.
    pub refused: u64,
    /// Connections closed because there were two (RFC 4271 §6.8).
    pub collisions: u64,
    /// OPENs sent.
    pub opens_sent: u64,
    /// OPENs received.
    pub opens_received: u64,
    /// KEEPALIVEs sent.
    pub keepalives_sent: u64,
    /// KEEPALIVEs received.
    pub keepalives_received: u64,
    /// NOTIFICATIONs sent.
    pub notifications_sent: u64,
    /// NOTIFICATIONs received.
    pub notifications_received: u64,
    /// UPDATEs received.
    pub updates_received: u64,
    /// ROUTE-REFRESHes received.
    pub refreshes_received: u64,
    /// ROUTE-REFRESHes received to which there is nothing to do: of families not agreed on, or the peer's own marks.
    pub refreshes_ignored: u64,
    /// Events that mean nothing in the state they came in, as of connections that are no more.
    pub ignored: u64,
    /// Calls that did nothing because actions were not taken.
    pub unserved: u64,
}
