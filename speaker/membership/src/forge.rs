//! What a member could send but would not: for tests and fuzzing.

use std::sync::Arc;

use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::keys::KeyRing;
use crate::packet::body::{Builder, Route, name_tag};
use crate::packet::envelope::{self, Sender};

/// A properly sealed datagram with any content.
#[derive(Clone, Debug)]
pub struct Forgery<'a> {
    /// Who claims to send it.
    pub from: &'a str,
    /// Which process of that node.
    pub boot: u64,
    /// Its place in the sender's sequence.
    pub counter: u64,
    /// The sender's life.
    pub from_rank: u64,
    /// Whom it is for.
    pub to: &'a str,
    /// Which life of it.
    pub to_rank: u64,
    /// Section kinds (1 SWIM, 2 record, 3 acknowledgement, 4 heartbeat) and contents.
    pub sections: &'a [(u8, &'a [u8])],
}

impl Forgery<'_> {
    /// Seals it. Sections that make it too long are left out.
    pub fn seal(&self, keys: &KeyRing, cluster_uid: &str) -> Vec<u8> {
        self.seal_as([envelope::VERSION, envelope::READABLE_BY], keys, cluster_uid)
    }

    /// Seals it as a speaker of another version would: its format, and the oldest that can read that.
    pub fn seal_as(&self, format: [u8; 2], keys: &KeyRing, cluster_uid: &str) -> Vec<u8> {
        let route = Route { to_node: name_tag(self.to), to_rank: self.to_rank, from_rank: self.from_rank };
        let mut builder = Builder::new(route, crate::MAX_DATAGRAM - envelope::overhead(self.from));
        for (kind, content) in self.sections {
            builder.section(*kind, content);
        }
        let sender = Sender { node: Arc::from(self.from), boot: self.boot, counter: self.counter };
        let mut rng = StdRng::seed_from_u64(self.counter);
        envelope::seal_as(format, &builder.finish(), &sender, keys, cluster_uid, &mut rng)
    }
}
