//! How far a rotation of the keys has come, as the others' facts and datagrams show.

use std::sync::Arc;

use super::Membership;

/// How many live members seal with which of our keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SealedWith {
    /// With our current one.
    pub current: usize,
    /// With our next one: they were promoted before us.
    pub next: usize,
    /// With our previous one. While there are any, `previous` must stay.
    pub previous: usize,
}

impl Membership {
    /// How many live members accept what is our `next` key, or our current one if there is no next. When it equals
    /// the number of members, `next` may be promoted.
    pub fn peers_with_next(&self) -> usize {
        let wanted = self.keys.next().unwrap_or(self.keys.current()).id();
        self.peers.values().filter(|p| p.alive && p.record.as_ref().is_some_and(|r| r.keys.contains(&wanted))).count()
    }

    /// How many live members seal with which key. When nobody does with `previous` any more, it may be removed.
    pub fn sealed_with(&self) -> SealedWith {
        let mut count = SealedWith::default();
        for key in self.peers.values().filter(|peer| peer.alive).filter_map(|peer| peer.sealed_with) {
            if key == self.keys.current().id() {
                count.current += 1;
            } else if self.keys.next().is_some_and(|next| next.id() == key) {
                count.next += 1;
            } else if self.keys.previous().is_some_and(|previous| previous.id() == key) {
                count.previous += 1;
            }
        }
        count
    }

    pub(super) fn note_key(&mut self, node: &Arc<str>, key: u32) {
        if let Some(peer) = self.peers.get_mut(node) {
            peer.sealed_with = Some(key);
        }
    }
}
