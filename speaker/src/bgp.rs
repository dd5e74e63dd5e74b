//! BGP sessions: the shell around [`herald_bgp`].
//!
//! ```text
//!   BGPPeers, this node ──► wanted ──► Peer
//!   Peer (what it is to be like) ──► Peers: one session task each ◄──► TCP
//!   routes ──► Command::Routes ──────►   │  Session, AdjRibOut: pure
//!                                        └──► Status: what `report` tells
//! ```
//!
//! Every peer has a task of its own, which never waits for the network while it could take in something else: what the
//! socket does not take stays in the outbound table, where a later change replaces it. So a peer that reads slowly costs
//! the memory of its differences, and holds up nobody.

mod connection;
mod egress;
mod listener;
mod next_hops;
mod peers;
mod secrets;
mod session;
mod status;
mod transport;
pub mod unnumbered;
pub mod wanted;

pub use listener::ListenerCounters;
pub use next_hops::{NodeAddresses, next_hops};
pub use peers::{Farewell, Peers};
pub use secrets::{Secret, Secrets};
pub use session::{Command, Handle, Peer, Routes, start};
pub use status::Status;
pub use transport::Transport;
