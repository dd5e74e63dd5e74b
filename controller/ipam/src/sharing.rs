//! When may two Services have one address?
//!
//! Only if they say so with the same key, send traffic to the same place as far as the node can
//! tell, and never meet on a port:
//!
//! | | other: Cluster | other: Local, same selector | other: Local, other selector |
//! | --- | --- | --- | --- |
//! | **Cluster** | yes | no | no |
//! | **Local** | no | yes | no |
//!
//! ("yes" with the same non-empty key and no common protocol and port.) Namespaces don't matter: a
//! key is an agreement between those who use it.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use crate::ServiceKey;

/// Transport protocol of a Service port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Sctp => "SCTP",
        })
    }
}

/// A port on which a Service takes traffic at its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port {
    /// Protocol.
    pub protocol: Protocol,
    /// `spec.ports[].port`, not the node port.
    pub number: u16,
}

/// `TCP/80`.
impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.protocol, self.number)
    }
}

/// On which terms a Service shares an address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Terms {
    /// Annotation `metallb.io/allow-shared-ip`; absent or empty means alone.
    pub key: Option<Arc<str>>,
    /// Where the traffic must arrive: the selector's canonical text with externalTrafficPolicy
    /// Local (never empty), empty with Cluster.
    pub backend: Arc<str>,
    /// The ports, ascending and without repetition.
    pub ports: Box<[Port]>,
}

impl Terms {
    /// Terms with these values; an empty key counts as none.
    pub fn new(key: Option<&str>, backend: impl Into<Arc<str>>, ports: impl IntoIterator<Item = Port>) -> Self {
        let mut ports: Vec<_> = ports.into_iter().collect();
        ports.sort_unstable();
        ports.dedup();
        Self {
            key: key.filter(|key| !key.is_empty()).map(Into::into),
            backend: backend.into(),
            ports: ports.into_boxed_slice(),
        }
    }

    /// Whether a Service with these terms may have `address` beside `other`, which has it on `theirs`.
    ///
    /// # Errors
    /// The first rule that forbids it.
    pub(crate) fn allow(&self, address: IpAddr, other: &ServiceKey, theirs: &Self) -> Result<(), SharingConflict> {
        let with = other.clone();
        match (&self.key, &theirs.key) {
            (Some(mine), Some(key)) if mine == key => {}
            (_, None) => return Err(SharingConflict::NotShared { address, with }),
            (_, Some(key)) => return Err(SharingConflict::NeedsKey { address, with, key: key.clone() }),
        }
        if self.backend != theirs.backend {
            return Err(SharingConflict::OtherBackend { address, with });
        }
        match common_port(&self.ports, &theirs.ports) {
            Some(port) => Err(SharingConflict::PortTaken { address, with, port }),
            None => Ok(()),
        }
    }
}

/// The lowest port in both lists, which are ascending.
fn common_port(mine: &[Port], theirs: &[Port]) -> Option<Port> {
    mine.iter().find(|port| theirs.binary_search(port).is_ok()).copied()
}

/// Why two Services can't have one address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SharingConflict {
    /// The other one shares with nobody.
    #[error("\"{address}\" is in use by {with}")]
    NotShared {
        /// The address.
        address: IpAddr,
        /// Who has it.
        with: ServiceKey,
    },
    /// The other one shares, with another key than this Service's.
    #[error("\"{address}\" is in use by {with}, to share it takes metallb.io/allow-shared-ip: \"{key}\"")]
    NeedsKey {
        /// The address.
        address: IpAddr,
        /// Who has it.
        with: ServiceKey,
        /// Its sharing key.
        key: Arc<str>,
    },
    /// Same key, but traffic policy or selector differ.
    #[error(
        "\"{address}\" is shared by {with}, whose externalTrafficPolicy or selector differs: both must be Cluster, or \
         both Local with the same selector"
    )]
    OtherBackend {
        /// The address.
        address: IpAddr,
        /// Who has it.
        with: ServiceKey,
    },
    /// Same key, but both want one port.
    #[error("port {port} is already in use on \"{address}\" by {with}")]
    PortTaken {
        /// The address.
        address: IpAddr,
        /// Who has it.
        with: ServiceKey,
        /// The lowest port that both have.
        port: Port,
    },
}

impl SharingConflict {
    /// The address that both want.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        match self {
            Self::NotShared { address, .. }
            | Self::NeedsKey { address, .. }
            | Self::OtherBackend { address, .. }
            | Self::PortTaken { address, .. } => *address,
        }
    }

    /// The other Service.
    #[must_use]
    pub fn with(&self) -> &ServiceKey {
        match self {
            Self::NotShared { with, .. }
            | Self::NeedsKey { with, .. }
            | Self::OtherBackend { with, .. }
            | Self::PortTaken { with, .. } => with,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(number: u16) -> Port {
        Port { protocol: Protocol::Tcp, number }
    }

    fn ask(mine: &Terms, theirs: &Terms) -> Result<(), String> {
        let address = "192.0.2.1".parse().unwrap();
        mine.allow(address, &ServiceKey::new("shop", "web"), theirs).map_err(|conflict| conflict.to_string())
    }

    #[test]
    fn every_rule_in_turn() {
        let http = Terms::new(Some("k"), "", [tcp(80)]);
        let https = Terms::new(Some("k"), "", [tcp(443)]);
        let dns = Terms::new(Some("k"), "", [Port { protocol: Protocol::Udp, number: 80 }]);
        let alone = Terms::new(Some(""), "", [tcp(443)]);
        let other_key = Terms::new(Some("j"), "", [tcp(443)]);
        let local = Terms::new(Some("k"), "app=web", [tcp(443)]);
        let no_ports = Terms::new(Some("k"), "", []);

        for allowed in [&https, &dns, &no_ports] {
            assert_eq!(ask(allowed, &http), Ok(()));
            assert_eq!(ask(&http, allowed), Ok(()));
        }
        assert_eq!(
            ask(&alone, &http).unwrap_err(),
            "\"192.0.2.1\" is in use by shop/web, to share it takes metallb.io/allow-shared-ip: \"k\""
        );
        assert_eq!(ask(&http, &alone).unwrap_err(), "\"192.0.2.1\" is in use by shop/web");
        assert!(ask(&other_key, &http).unwrap_err().contains("\"k\""));
        assert!(ask(&local, &http).unwrap_err().contains("externalTrafficPolicy"));
        assert!(ask(&http, &local).is_err());
        assert_eq!(ask(&local, &Terms { ports: [tcp(80)].into(), ..local.clone() }), Ok(()));
        assert_eq!(ask(&http, &http).unwrap_err(), "port TCP/80 is already in use on \"192.0.2.1\" by shop/web");
    }
}
