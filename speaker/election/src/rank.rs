//! The order of the candidates.

use std::net::IpAddr;

use sha2::{Digest, Sha256};

use crate::Node;

/// Sorts candidates: uncordoned first, then by score, then by hash.
pub(crate) fn rank<'a>(address: IpAddr, candidates: Vec<&Node<'a>>) -> Vec<&'a str> {
    // Go prints an IPv4-mapped IPv6 address as IPv4; for all others its text form is Rust's (RFC 5952).
    let address = address.to_canonical().to_string();
    let mut ranked: Vec<_> = candidates
        .into_iter()
        .map(|node| (node.cordoned, std::cmp::Reverse(node.score), hash(node.name, &address), node.name))
        .collect();
    ranked.sort_unstable();
    ranked.into_iter().map(|(.., name)| name).collect()
}

/// SHA-256 of `node#address`, compared as raw bytes: MetalLB's rendezvous hash.
fn hash(node: &str, address: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(node);
    hash.update("#");
    hash.update(address);
    hash.finalize().into()
}
