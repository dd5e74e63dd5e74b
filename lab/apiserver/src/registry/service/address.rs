//! IP addresses in fields of Services, and what is said about wrong ones.

use std::net::IpAddr;

/// IPv4 or IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Family {
    V4,
    V6,
}

impl Family {
    /// Of an address; `None` when it is none.
    pub(super) fn of(address: &str) -> Option<Self> {
        Some(match address.parse().ok()? {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        })
    }

    /// As in `spec.ipFamilies`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        }
    }

    /// From `spec.ipFamilies`.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "IPv4" => Some(Self::V4),
            "IPv6" => Some(Self::V6),
            _ => None,
        }
    }
}

/// What is wrong with an address.
pub(super) fn address_fault(text: &str) -> Option<&'static str> {
    match text.parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) if address.to_ipv4_mapped().is_some() => {
            Some("must not be an IPv4-mapped IPv6 address")
        }
        Ok(_) => None,
        Err(_) if has_leading_zeros(text) => Some("must not have leading 0s"),
        Err(_) => Some("must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"),
    }
}

/// Whether it would be an IPv4 address, were it not for leading zeros.
fn has_leading_zeros(text: &str) -> bool {
    let stripped: Vec<&str> = text
        .split('.')
        .map(|part| match part.trim_start_matches('0') {
            "" if !part.is_empty() => "0",
            rest => rest,
        })
        .collect();
    stripped.join(".").parse::<std::net::Ipv4Addr>().is_ok()
}

/// What is wrong with an address range.
pub(super) fn range_fault(text: &str) -> Option<&'static str> {
    let fits = text.trim().split_once('/').is_some_and(|(address, bits)| {
        let most = match Family::of(address) {
            Some(Family::V4) => 32,
            Some(Family::V6) => 128,
            None => return false,
        };
        bits.parse::<u8>().is_ok_and(|bits| bits <= most)
    });
    if fits { None } else { Some("must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)") }
}

/// What is wrong with an address that traffic is to be sent to.
pub(super) fn special_fault(text: &str) -> Option<&'static str> {
    let address: IpAddr = text.parse().ok()?;
    let (link_local, link_local_multicast) = match address {
        IpAddr::V4(v4) => (v4.is_link_local(), v4.octets().starts_with(&[224, 0, 0])),
        IpAddr::V6(v6) => (v6.is_unicast_link_local(), v6.segments()[0] & 0xff0f == 0xff02),
    };
    if address.is_unspecified() {
        Some(if address.is_ipv4() { "may not be unspecified (0.0.0.0)" } else { "may not be unspecified (::)" })
    } else if address.is_loopback() {
        Some("may not be in the loopback range (127.0.0.0/8, ::1/128)")
    } else if link_local {
        Some("may not be in the link-local range (169.254.0.0/16, fe80::/10)")
    } else if link_local_multicast {
        Some("may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)")
    } else {
        None
    }
}

/// How an IPv6 address should rather be written, if it is not.
pub(super) fn canonical(text: &str) -> Option<String> {
    let address: std::net::Ipv6Addr = text.parse().ok()?;
    let canonical = address.to_string();
    (canonical != text).then_some(canonical)
}
