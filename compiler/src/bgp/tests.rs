mod communities;
mod merging;
mod prefixes;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::bgp::Attributes;
use crate::config::BgpAdvertisement;

/// Host routes of pool `p` to all peers, with nothing said of them.
fn advertisement(name: &str, created: i64) -> BgpAdvertisement {
    BgpAdvertisement {
        name: name.into(),
        created,
        pools: BTreeSet::from(["p".into()]),
        unknown_pools: BTreeSet::new(),
        node_selectors: vec![],
        service_selectors: vec![],
        peers: None,
        unknown_peers: BTreeSet::new(),
        length_v4: 32,
        length_v6: 128,
        attributes: Attributes::default(),
        aggregate_always: false,
    }
}

fn to(peers: &[&str], one: BgpAdvertisement) -> BgpAdvertisement {
    BgpAdvertisement { peers: Some(peers.iter().map(|name| (*name).into()).collect()), ..one }
}

fn with_lengths(v4: u8, v6: u8, one: BgpAdvertisement) -> BgpAdvertisement {
    BgpAdvertisement { length_v4: v4, length_v6: v6, ..one }
}

fn shared(all: impl IntoIterator<Item = BgpAdvertisement>) -> Vec<Arc<BgpAdvertisement>> {
    all.into_iter().map(Arc::new).collect()
}
