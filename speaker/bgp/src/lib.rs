//! BGP-4 for somebody who only announces: RFC 4271, with IPv4 and IPv6 as equals (RFC 4760).
//!
//! ```text
//!            bytes from the peer                                   routes that the peer is to have
//!                    │                                                          │
//!   packet: frame ─► decode ─► Message ──► state: Session::handle()     table: AdjRibOut::set()
//!                    │                          │                               │
//!                    └─ Notification            └─► Action: connect, send,      └─► AdjRibOut::next(): one UPDATE
//!                       (what to answer)            close, up, down                 as long as there is a difference
//! ```
//!
//! - [`value`]: AS numbers, router IDs, prefixes, communities: a type each, so that none is taken for another.
//! - [`attributes`]: what is said of a route, whatever the session.
//! - [`packet`]: messages and their bytes. Decoding, validating and deciding are three steps; an error of any is the
//!   [`Notification`](packet::Notification) to send.
//! - [`state`]: the state machine of one peer. Events in, actions out, time is an argument.
//! - [`received`]: what the peer announces: counted and dropped.
//! - [`table`]: what a peer is to have and what it has been sent; only differences go out.
//! - [`writer`]: between table and packets.
//!
//! Nothing here knows a socket, a clock or Kubernetes.

pub mod attributes;
pub mod packet;
pub mod received;
pub mod state;
pub mod table;
pub mod value;
pub mod writer;

pub use attributes::Attributes;
pub use value::{Asn, Community, ExtendedCommunity, Family, HoldTime, LargeCommunity, Prefix, RouterId};
