//! Why this node has no session with a peer.

use std::fmt;
use std::net::IpAddr;

use crate::watch::secret::SecretTrouble;

/// Why this node has no session with a peer. In words: what is wrong, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoSession {
    /// The Secret of this name has not been read yet.
    SecretUnread(String),
    /// The Secret of this name has no password for us, and never had.
    Secret {
        /// Its name.
        name: String,
        /// What is wrong with it.
        trouble: SecretTrouble,
    },
    /// The router's address is this node's.
    Own(IpAddr),
    /// No router was seen on the link.
    NoRouter(String),
    /// An unnumbered session is to come from this IPv4 address.
    SourceOfOtherFamily(IpAddr),
    /// There is nothing to make a BGP identifier of.
    NoRouterId,
    /// Another peer has the session with this router.
    Taken {
        /// The other BGPPeer.
        by: String,
    },
    /// A value that the configuration's compiler does not let through.
    Impossible {
        /// Which field.
        field: &'static str,
        /// What it says.
        value: u64,
    },
}

impl NoSession {
    pub(super) fn impossible(field: &'static str, value: u64) -> Self {
        Self::Impossible { field, value }
    }
}

impl fmt::Display for NoSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SecretUnread(name) => write!(f, "Secret {name} has not been read yet"),
            Self::Secret { name, trouble } => write!(f, "Secret {name} {trouble}"),
            Self::Own(address) => write!(
                f,
                "peerAddress {address} is this node's own address: exclude this node with nodeSelectors, or write the \
                 router's address"
            ),
            Self::NoRouter(interface) => write!(
                f,
                "no router was seen on interface {interface}: it has to send Router Advertisements there (FRR: no ipv6 nd \
                 suppress-ra)"
            ),
            Self::SourceOfOtherFamily(address) => write!(
                f,
                "sourceAddress {address} can't be used on an interface: sessions there run between link-local addresses; \
                 remove it"
            ),
            Self::NoRouterId => f.write_str("there is no router ID for this node: write routerID"),
            Self::Taken { by } => write!(
                f,
                "BGPPeer {by} has the session with the same router: a router has one session with a node; remove one of \
                 them, or give them different nodeSelectors"
            ),
            Self::Impossible { field, value } => write!(f, "{field} {value} is not possible"),
        }
    }
}
