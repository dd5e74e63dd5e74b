//! What a Service asks for by annotation or by `spec.loadBalancerIP`.

use std::net::IpAddr;

use herald_compiler::Family;

/// Wishes of a Service, apart from having any address at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// Exactly these addresses, in this order. Empty: any.
    pub addresses: Vec<IpAddr>,
    /// Addresses of this pool only.
    pub pool: Option<String>,
}

/// A request for addresses that can't be understood. The texts are MetalLB's where it has one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidWish {
    /// Asked in two places.
    #[error("service can not have both metallb.io/loadBalancerIPs and svc.Spec.LoadBalancerIP")]
    Twice,
    /// An item of the annotation is no address.
    #[error("invalid metallb.io/loadBalancerIPs: \"{0}\"")]
    Annotation(String),
    /// `spec.loadBalancerIP` is no address.
    #[error("invalid spec.loadBalancerIP \"{0}\"")]
    Field(String),
    /// Two addresses of one family.
    #[error("invalid metallb.io/loadBalancerIPs: \"{0}\" and \"{1}\" have the same address family")]
    SameFamily(IpAddr, IpAddr),
    /// The addresses are not of exactly the Service's own families.
    #[error(
        "requested loadBalancer IP(s) {} does not match the ipFamily of the service: request exactly one address of \
         each of its families",
        crate::refusal::quoted(.0)
    )]
    OtherFamilies(Vec<IpAddr>),
    /// Three or more addresses.
    #[error(
        "invalid metallb.io/loadBalancerIPs: invalid ips length, one address or one of each family can be requested, not {0}"
    )]
    TooMany(usize),
}

/// Reads the requested addresses from the annotation's and the field's text; an empty text counts as absent.
///
/// # Errors
/// [`InvalidWish`]: the Service keeps what it has, and gets nothing new.
pub fn addresses(annotation: Option<&str>, field: Option<&str>) -> Result<Vec<IpAddr>, InvalidWish> {
    let written = |text: &&str| !text.trim().is_empty();
    match (annotation.filter(written), field.filter(written)) {
        (None, None) => Ok(Vec::new()),
        (Some(_), Some(_)) => Err(InvalidWish::Twice),
        (None, Some(text)) => match address(text) {
            Some(address) => Ok(vec![address]),
            None => Err(InvalidWish::Field(text.to_owned())),
        },
        (Some(text), None) => list(text),
    }
}

impl Wish {
    /// Whether the requested addresses, if any, are one of each of `families`.
    pub(crate) fn fits(&self, families: &[Family]) -> Result<(), InvalidWish> {
        let covered = |family: &Family| self.addresses.iter().any(|address| Family::of(*address) == *family);
        if self.addresses.is_empty() || (self.addresses.len() == families.len() && families.iter().all(covered)) {
            return Ok(());
        }
        Err(InvalidWish::OtherFamilies(self.addresses.clone()))
    }
}

fn list(text: &str) -> Result<Vec<IpAddr>, InvalidWish> {
    // Counted before anything is parsed: the annotation may be 256 KiB long.
    let count = text.split(',').count();
    if count > 2 {
        return Err(InvalidWish::TooMany(count));
    }
    let addresses: Vec<_> = text
        .split(',')
        .map(|item| address(item.trim()).ok_or_else(|| InvalidWish::Annotation(text.to_owned())))
        .collect::<Result<_, _>>()?;
    match addresses[..] {
        [one, other] if Family::of(one) == Family::of(other) => Err(InvalidWish::SameFamily(one, other)),
        _ => Ok(addresses),
    }
}

/// An address as pools can list one: no IPv4 address in IPv6 clothes.
fn address(text: &str) -> Option<IpAddr> {
    text.parse().ok().filter(|address| match address {
        IpAddr::V4(_) => true,
        IpAddr::V6(v6) => v6.to_ipv4_mapped().is_none(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_or_two_addresses_in_the_order_written() {
        let ask = |text: &str| {
            addresses(Some(text), None).map(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(ask("192.0.2.1").as_deref(), Ok("192.0.2.1"));
        assert_eq!(ask(" 2001:db8::1 , 192.0.2.1").as_deref(), Ok("2001:db8::1 192.0.2.1"));
        assert_eq!(addresses(None, Some("192.0.2.1")).unwrap().len(), 1);
        assert_eq!(addresses(Some(" "), Some("")), Ok(vec![]));
        assert_eq!(addresses(None, None), Ok(vec![]));
    }

    #[test]
    fn what_can_not_be_understood_is_named() {
        let text = |annotation, field| addresses(annotation, field).unwrap_err().to_string();
        assert!(text(Some("192.0.2.1"), Some("192.0.2.1")).contains("both metallb.io/loadBalancerIPs"));
        assert_eq!(text(Some("192.0.2.x"), None), "invalid metallb.io/loadBalancerIPs: \"192.0.2.x\"");
        assert_eq!(text(Some("192.0.2.1,"), None), "invalid metallb.io/loadBalancerIPs: \"192.0.2.1,\"");
        assert_eq!(text(Some("::ffff:192.0.2.1"), None), "invalid metallb.io/loadBalancerIPs: \"::ffff:192.0.2.1\"");
        assert_eq!(text(None, Some("nowhere")), "invalid spec.loadBalancerIP \"nowhere\"");
        assert!(text(Some("192.0.2.1,192.0.2.2"), None).contains("same address family"));
        assert!(text(Some("192.0.2.1,2001:db8::1,2001:db8::2"), None).contains("invalid ips length"));
    }
}
