//! The data path: what kube-proxy does on a real node, in nftables.
//!
//! ```text
//!  Services ─┐
//!            ├─► frontends ─► choose (KEP-1669) ─► rules (text) ─► nft -f, per node
//!  Slices  ──┘
//! ```
//!
//! An address is never put on an interface, just as kube-proxy does not: a
//! node that gets a packet for it rewrites the destination to a pod's, before
//! routing. So a node's kernel answers no ARP request for it either.

pub mod choose;
pub mod frontend;
pub mod kube_proxy;
pub mod rules;
