//! What the node has: its interfaces, and the addresses it holds on them.

mod address;
mod interface;

pub use address::{AddressCounters, Standing};
pub(crate) use address::{Held, Owner, Role};
pub(crate) use interface::Interfaces;
pub use interface::{Interface, InterfaceAddress, InterfaceIndex, Scope};
