//! MetalLB's order among candidates, so that addresses stay on the same nodes across a migration.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

/// Orders a node among those with the same score: SHA-256 of `node#address`, compared as bytes.
pub type Digest = [u8; 32];

/// A node that may announce the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate<'a> {
    /// Its name.
    pub node: &'a str,
    /// Sum of its preference weights: more is better.
    pub score: i64,
    /// Ranked behind all that are not cordoned.
    pub cordoned: bool,
}

/// The digest of one node for one address. The address is written as Go's `net.IP` does: RFC 5952, and an IPv4-mapped
/// address as IPv4.
pub fn digest(node: &str, address: IpAddr) -> Digest {
    digest_text(node, &address.to_canonical().to_string())
}

fn digest_text(node: &str, address: &str) -> Digest {
    let mut hash = Sha256::new();
    hash.update(node);
    hash.update("#");
    hash.update(address);
    hash.finalize().into()
}

/// Puts candidates in order of election: uncordoned first, then the higher score, then the lower digest.
pub fn rank<'a>(address: IpAddr, candidates: impl IntoIterator<Item = Candidate<'a>>) -> Vec<Candidate<'a>> {
    Memo::none().rank(address, candidates)
}

/// Remembers digests, 8 bytes each, so that a question asked again costs a look-up per node instead of a hash.
#[derive(Debug, Default)]
pub struct Memo {
    capacity: usize,
    nodes: HashMap<Arc<str>, usize>,
    /// By address, then by node's number; 0 is "not computed".
    heads: HashMap<IpAddr, Vec<u64>>,
    held: usize,
}

impl Memo {
    /// Remembers up to this many digests; when more are needed it starts afresh.
    pub fn with_capacity(digests: usize) -> Self {
        Self { capacity: digests, ..Self::default() }
    }

    /// Remembers nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// Forgets an address that is not asked about any more.
    pub fn forget(&mut self, address: IpAddr) {
        self.held -= self.heads.remove(&address).map_or(0, |heads| heads.len());
    }

    /// [`rank`], with what is remembered.
    pub fn rank<'a>(
        &mut self,
        address: IpAddr,
        candidates: impl IntoIterator<Item = Candidate<'a>>,
    ) -> Vec<Candidate<'a>> {
        let text = address.to_canonical().to_string();
        let mut keyed: Vec<_> = candidates.into_iter().map(|c| (self.head(&c, address, &text), c)).collect();
        keyed.sort_by(|(a_head, a), (b_head, b)| {
            (a.cordoned, Reverse(a.score), a_head)
                .cmp(&(b.cordoned, Reverse(b.score), b_head))
                // Equal in 64 bits: once in a very long time.
                .then_with(|| digest_text(a.node, &text).cmp(&digest_text(b.node, &text)))
        });
        keyed.into_iter().map(|(_, candidate)| candidate).collect()
    }

    /// The first eight bytes of the digest.
    fn head(&mut self, candidate: &Candidate<'_>, address: IpAddr, text: &str) -> u64 {
        if self.capacity == 0 {
            return head_of(candidate.node, text);
        }
        let next = self.nodes.len();
        let number = match self.nodes.get(candidate.node) {
            Some(number) => *number,
            None => {
                self.nodes.insert(candidate.node.into(), next);
                next
            }
        };
        let heads = self.heads.entry(address).or_default();
        if let Some(known) = heads.get(number).filter(|head| **head != 0) {
            return *known;
        }
        let head = head_of(candidate.node, text);
        if heads.len() <= number {
            self.held += number + 1 - heads.len();
            heads.resize(number + 1, 0);
        }
        if let Some(slot) = heads.get_mut(number) {
            *slot = head;
        }
        if self.held > self.capacity {
            self.heads.clear();
            self.nodes.clear();
            self.held = 0;
        }
        head
    }
}

fn head_of(node: &str, address: &str) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = digest_text(node, address);
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}
