//! OPEN messages.
//!
//! ```text
//!   version (1)  my AS (2)  hold time (2)  BGP identifier (4)  parameters' length (1)   then parameters:
//!     type (1) length (1) value                             RFC 4271; type 2 is a list of capabilities
//!   255  255  parameters' length (2)                        RFC 9072, if they don't fit into 255 octets:
//!     type (1) length (2) value
//! ```

mod body;
mod capability;
#[cfg(test)]
mod tests;

use crate::value::{Asn, Family, HoldTime, RouterId};

pub(super) use body::decode;
pub use body::encode;
pub(super) use capability::encode as encode_capability;

/// An OPEN message (RFC 4271 §4.2) that is right by itself: version 4, a possible hold time, a router ID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// My Autonomous System, two octets.
    pub two_octet_asn: u16,
    /// Proposed hold time.
    pub hold_time: HoldTime,
    /// BGP identifier.
    pub router_id: RouterId,
    /// Capabilities in the order of the message, also unknown ones and repeated ones.
    pub capabilities: Vec<Capability>,
}

/// One capability (RFC 5492).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Capability {
    /// 1: multiprotocol extensions (RFC 4760); any AFI and SAFI.
    Multiprotocol {
        /// Address family identifier.
        afi: u16,
        /// Subsequent address family identifier.
        safi: u8,
    },
    /// 2: route refresh (RFC 2918).
    RouteRefresh,
    /// 5: IPv4 routes with IPv6 next hops and the like (RFC 8950), as (AFI, SAFI, AFI of the next hop).
    ExtendedNextHop(Vec<(u16, u16, u16)>),
    /// 6: messages up to 65535 octets (RFC 8654).
    ExtendedMessage,
    /// 64: graceful restart (RFC 4724, RFC 8538).
    GracefulRestart(GracefulRestart),
    /// 65: AS numbers of four octets (RFC 6793).
    FourOctetAsn(Asn),
    /// 70: enhanced route refresh (RFC 7313).
    EnhancedRouteRefresh,
    /// 73: host name and domain name.
    HostName {
        /// Host name.
        host: String,
        /// Domain name, often empty.
        domain: String,
    },
    /// Any other, or one of these whose value can't be read: as it came.
    Unknown {
        /// Code.
        code: u8,
        /// Value.
        value: Vec<u8>,
    },
}

/// The graceful restart capability (RFC 4724 §3, RFC 8538 §2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GracefulRestart {
    /// R: the sender has restarted.
    pub restarting: bool,
    /// N: a NOTIFICATION that is no hard reset keeps the routes as well.
    pub notification: bool,
    /// How long the sender's routes are to be kept, in seconds; 12 bits.
    pub restart_time: u16,
    /// AFI, SAFI, and F: forwarding went on during the restart.
    pub families: Vec<(u16, u8, bool)>,
}

impl Open {
    /// The AS number of the sender: that of the capability, if it has it, else the two octets. `None` for 0.
    #[must_use]
    pub fn asn(&self) -> Option<Asn> {
        let four = self.capabilities.iter().find_map(|capability| match capability {
            Capability::FourOctetAsn(asn) => Some(*asn),
            _ => None,
        });
        four.or_else(|| Asn::new(self.two_octet_asn.into()))
    }

    /// The families that the sender speaks: IPv4 unicast if it tells none (RFC 4760 §8).
    #[must_use]
    pub fn families(&self) -> Vec<Family> {
        let mut told = false;
        let mut families = Vec::new();
        for capability in &self.capabilities {
            if let Capability::Multiprotocol { afi, safi } = capability {
                told = true;
                families.extend(Family::from_wire(*afi, *safi).filter(|family| !families.contains(family)));
            }
        }
        if told { families } else { vec![Family::Ipv4] }
    }
}
