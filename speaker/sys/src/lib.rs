//! The only crate of Herald that holds `unsafe` code: what the operating system offers and the standard library does not.
//!
//! | part | for | needs |
//! |---|---|---|
//! | [`PacketSocket`] | receiving and sending whole Ethernet frames on one interface, behind a kernel filter | CAP_NET_RAW |
//! | [`Groups`] | being in the IPv6 groups that questions for our addresses are sent to | nothing |
//! | [`interface_of`] | which interface has an address | nothing |
//! | [`router_discovery`] | seeing the router at the other end of a link, and being seen | CAP_NET_RAW |
//! | [`tcp`] | signatures of segments, and dropping those from far away | nothing |
//!
//! Every function returns [`std::io::Result`], every error says what was tried on what, and nothing here decides
//! anything. Each `unsafe` block does one thing and says why it may.

mod context;
mod filter;
mod groups;
mod interface;
pub mod memory;
mod packet_socket;
mod reactor;
mod router_discovery;
pub mod tcp;

pub use filter::Instruction;
pub use groups::Groups;
pub use interface::{interface_index, interface_of};
pub use packet_socket::{PacketSocket, PacketType, Protocol, Received, Statistics};
pub use router_discovery::router_discovery;
