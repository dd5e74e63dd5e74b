//! Real frames on real links, each in a network namespace of its own. Needs root and iproute2.
#![cfg(test)]

mod groups;
mod link;
mod linux_neighbour;
mod packet_socket;
mod router_discovery;
mod tcp;
