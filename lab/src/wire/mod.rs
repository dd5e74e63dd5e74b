//! Looking at the wire: packet sockets, ARP and neighbour discovery frames, BGP messages, captures.
//!
//! This is the lab's own small reader and writer of frames, on purpose: what
//! Herald sends is judged by code that Herald does not share.

pub mod arp;
pub mod bgp;
pub mod bgp_capture;
pub mod capture;
pub mod ndp;
pub mod segment;
pub mod socket;

pub use arp::{ArpFrame, Operation};
pub use bgp_capture::BgpCapture;
pub use capture::{Capture, Direction, Sighting};
pub use ndp::{NdpFrame, NdpKind};
