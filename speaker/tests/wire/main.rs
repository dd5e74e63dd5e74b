//! Interfaces, sockets and announcements on real links, each in network namespaces of its own. Needs root and iproute2.
#![cfg(test)]

mod announcing;
mod flapping;
mod interfaces;
mod namespace;
mod unnumbered;
