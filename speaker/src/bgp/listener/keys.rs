//! The keys of a listening socket: who has one is heard only with it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd as _;

use herald_sys::tcp;
use tokio::net::TcpListener;

use super::Guest;

/// The keys of a listening socket.
#[derive(Debug)]
pub(super) struct Keys {
    /// The socket is one of IPv6.
    ipv6: bool,
    set: BTreeMap<IpAddr, Vec<u8>>,
    /// Those whose key could not be set: nobody is taken for them.
    failed: BTreeSet<IpAddr>,
}

impl Keys {
    pub(super) fn new(ipv6: bool) -> Self {
        Self { ipv6, set: BTreeMap::new(), failed: BTreeSet::new() }
    }

    /// Sets what these guests need and takes back what they don't. Of several with one address the first has the key.
    pub(super) fn follow(&mut self, socket: &TcpListener, guests: &[Guest]) {
        let mut wanted = BTreeMap::new();
        for Guest { transport, .. } in guests.iter().rev() {
            if let Some(key) = &transport.key {
                wanted.insert(transport.remote.ip(), key.clone());
            }
        }
        self.failed.retain(|address| wanted.contains_key(address));
        let gone: Vec<IpAddr> = self.set.keys().filter(|address| !wanted.contains_key(address)).copied().collect();
        for address in gone {
            self.set.remove(&address);
            if let Err(error) = tcp::unsign(socket.as_fd(), self.storable(address)) {
                tracing::warn!(%address, "connections of this peer go on needing a signature: {error}");
            }
        }
        for (address, key) in wanted {
            if self.set.get(&address) == Some(&key) {
                continue;
            }
            match tcp::sign(socket.as_fd(), self.storable(address), &key) {
                Ok(()) => {
                    self.failed.remove(&address);
                    self.set.insert(address, key);
                }
                Err(error) => {
                    tracing::warn!(%address, "connections of this peer are refused: {error}");
                    self.set.remove(&address);
                    self.failed.insert(address);
                }
            }
        }
    }

    /// Whether a connection from there may not be what it is to be.
    pub(super) fn failed(&self, address: IpAddr) -> bool {
        self.failed.contains(&address)
    }

    /// An address as a socket of this family knows it.
    fn storable(&self, address: IpAddr) -> SocketAddr {
        let address = match address {
            IpAddr::V4(address) if self.ipv6 => address.to_ipv6_mapped().into(),
            other => other,
        };
        SocketAddr::new(address, 0)
    }
}
