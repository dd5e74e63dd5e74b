//! A cluster in a box: namespaces, API server, data path, probes, demo.
//!
//! ```text
//!  topology   machines and wires: network namespaces around one switch
//!  program    child programs that end with the lab
//!  pod        the server behind a Service
//!  router     real BGP daemons on machines between the LAN and its users
//!  wire       what passes on them: ARP frames, captures
//!  dataplane  kube-proxy's work, in nftables
//!  neighbors  where a machine's kernel sends what is for an address
//!  probe      what a user of the network notices: silence, loss, resets
//! ```
//!
//! Everything is torn down when it is dropped, and what a killed run left is
//! removed by the next one.

pub mod clock;
pub mod cluster;
pub mod controllers;
pub mod dataplane;
pub mod demo;
pub mod lock;
pub mod namespace;
pub mod neighbors;
pub mod place;
pub mod pod;
pub mod prefix;
pub mod probe;
pub mod program;
pub mod router;
pub mod scene;
pub mod supervisor;
pub mod tool;
pub mod topology;
pub mod wire;

pub use cluster::Cluster;
pub use herald_apiserver as apiserver;
pub use namespace::Namespace;
pub use topology::Topology;
