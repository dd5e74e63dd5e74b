//! A set of names, small enough to gossip.

use sha2::{Digest as _, Sha256};

/// So many names are told apart one by one. Beyond that a [`Digest`] still shows equality, not membership.
pub const MAX_DIGEST_NAMES: usize = 64;

/// The fingerprint of a set of names, such as a node's interfaces or the addresses it owns.
///
/// Each of the first [`MAX_DIGEST_NAMES`] names is kept as 32 bits of its SHA-256, so that others can ask "has it
/// `eth1`?" (wrong once in 67 million questions); the whole set is kept as 64 bits, so that they can ask "is it this
/// set?".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    pub(crate) fingerprint: u64,
    pub(crate) names: Vec<u32>,
    pub(crate) complete: bool,
}

impl Digest {
    /// Summarises names; order and repetition do not matter.
    pub fn of<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> Self {
        let mut hashes: Vec<[u8; 32]> = names.into_iter().map(|n| Sha256::digest(n.as_ref()).into()).collect();
        hashes.sort_unstable();
        hashes.dedup();
        let mut whole = Sha256::new();
        for hash in &hashes {
            whole.update(hash);
        }
        let whole: [u8; 32] = whole.finalize().into();
        let mut names: Vec<u32> = hashes.iter().take(MAX_DIGEST_NAMES).map(first_four).collect();
        names.sort_unstable();
        names.dedup();
        Self { fingerprint: first_eight(&whole), names, complete: hashes.len() <= MAX_DIGEST_NAMES }
    }

    /// Whether the name is in the set. `None`: the set was too large to say.
    pub fn contains(&self, name: &str) -> Option<bool> {
        let hash = first_four(&Sha256::digest(name).into());
        if self.names.binary_search(&hash).is_ok() {
            Some(true)
        } else if self.complete {
            Some(false)
        } else {
            None
        }
    }

    /// 64 bits that differ when the sets differ.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// Whether the set is known to have no names.
    pub fn is_empty(&self) -> bool {
        self.complete && self.names.is_empty()
    }

    /// Whether every name of the set can be asked for.
    pub fn is_complete(&self) -> bool {
        self.complete
    }
}

fn first_four(hash: &[u8; 32]) -> u32 {
    let [a, b, c, d, ..] = *hash;
    u32::from_be_bytes([a, b, c, d])
}

fn first_eight(hash: &[u8; 32]) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *hash;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_for_small_sets_and_admits_ignorance_for_large_ones() {
        let small = Digest::of(["eth0", "eth1", "eth0"]);
        assert_eq!(small.contains("eth0"), Some(true));
        assert_eq!(small.contains("eth2"), Some(false));
        assert_eq!(small, Digest::of(["eth1", "eth0"]));
        assert_ne!(small.fingerprint(), Digest::of(["eth1"]).fingerprint());

        let many: Vec<String> = (0..200).map(|i| format!("eth{i}")).collect();
        let large = Digest::of(&many);
        assert!(!large.is_complete());
        let known = many.iter().filter(|n| large.contains(n) == Some(true)).count();
        assert_eq!(known, MAX_DIGEST_NAMES);
        assert!(many.iter().all(|n| large.contains(n) != Some(false)), "a member of the set is never denied");
    }

    #[test]
    fn the_empty_set_is_known_to_be_empty() {
        assert_eq!(Digest::of::<&str>([]).contains("eth0"), Some(false));
        assert!(Digest::of::<&str>([]).is_empty() && !Digest::of(["a"]).is_empty() && !Digest::default().is_empty());
        assert_eq!(Digest::default().contains("eth0"), None, "nothing said is not the same as nothing there");
    }
}
