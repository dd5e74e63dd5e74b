//! How far a rotation of the keys has come, as the others' facts and datagrams show.

use std::sync::Arc;

use super::Membership;

/// How many live members seal with which of our keys; `None` for a key that we do not have. Who looks whether a step has
/// arrived everywhere can so tell a speaker that has not read it yet from one that counts nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SealedWith {
    /// With our current one.
    pub current: usize,
    /// With our next one: they were promoted before us.
    pub next: Option<usize>,
    /// With our previous one. While there are any, `previous` must stay.
    pub previous: Option<usize>,
}

impl Membership {
    /// How many live members accept our `next` key; 0 if we have none. When it equals the number of members, `next` may
    /// be promoted: everybody has read it, we too.
    pub fn peers_with_next(&self) -> usize {
        let Some(next) = self.keys.next() else { return 0 };
        let accepts = |keys: &[u32]| keys.contains(&next.id());
        self.peers.values().filter(|p| p.alive && p.record.as_ref().is_some_and(|r| accepts(&r.keys))).count()
    }

    /// How many live members seal with which key. When nobody does with `previous` any more, it may be removed.
    pub fn sealed_with(&self) -> SealedWith {
        let with = |key: u32| self.peers.values().filter(|peer| peer.alive && peer.sealed_with == Some(key)).count();
        SealedWith {
            current: with(self.keys.current().id()),
            next: self.keys.next().map(|key| with(key.id())),
            previous: self.keys.previous().map(|key| with(key.id())),
        }
    }

    pub(super) fn note_key(&mut self, node: &Arc<str>, key: u32) {
        if let Some(peer) = self.peers.get_mut(node) {
            peer.sealed_with = Some(key);
        }
    }
}
