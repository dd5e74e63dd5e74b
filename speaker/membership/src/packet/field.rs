//! Fields that several parts of the datagram share.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use bytes::{Buf, BufMut};

use super::Malformed;
use crate::config::MAX_NODE_NAME;
use crate::identity::Identity;

/// The most bytes [`put_identity`] writes: name, boot, rank, IPv6 address and port.
const MAX_IDENTITY: usize = 1 + MAX_NODE_NAME + 8 + 8 + 1 + 16 + 2;
/// Incarnation, kind and probe number beside the identities.
const LONGEST_MESSAGE: usize = 2 + 1 + 1;
// The longest foca header, an indirect ping, must fit whatever the names.
const _: () = assert!(3 * MAX_IDENTITY + LONGEST_MESSAGE <= super::MAX_SWIM);

/// Writes a length byte and the name. Names longer than [`MAX_NODE_NAME`] never get this far.
pub(crate) fn put_name(buf: &mut impl BufMut, name: &str) {
    buf.put_u8(u8::try_from(name.len()).unwrap_or(0));
    buf.put_slice(name.as_bytes());
}

pub(crate) fn get_name(buf: &mut impl Buf) -> Result<Arc<str>, Malformed> {
    let length = usize::from(buf.try_get_u8()?);
    if length == 0 || length > MAX_NODE_NAME {
        return Err(Malformed("a node name is empty or too long"));
    }
    let mut bytes = [0; MAX_NODE_NAME];
    let bytes = bytes.get_mut(..length).ok_or(Malformed("a node name is too long"))?;
    buf.try_copy_to_slice(bytes)?;
    std::str::from_utf8(bytes).map(Arc::from).map_err(|_| Malformed("a node name is not UTF-8"))
}

pub(crate) fn identity_len(identity: &Identity) -> usize {
    let address = if identity.address.is_ipv4() { 4 } else { 16 };
    1 + identity.node.len() + 8 + 8 + 1 + address + 2
}

pub(crate) fn put_identity(buf: &mut impl BufMut, identity: &Identity) {
    put_name(buf, &identity.node);
    buf.put_u64(identity.boot);
    buf.put_u64(identity.rank);
    match identity.address.ip() {
        IpAddr::V4(ip) => {
            buf.put_u8(4);
            buf.put_slice(&ip.octets());
        }
        IpAddr::V6(ip) => {
            buf.put_u8(6);
            buf.put_slice(&ip.octets());
        }
    }
    buf.put_u16(identity.address.port());
}

pub(crate) fn get_identity(buf: &mut impl Buf) -> Result<Identity, Malformed> {
    let node = get_name(buf)?;
    let (boot, rank) = (buf.try_get_u64()?, buf.try_get_u64()?);
    let ip = match buf.try_get_u8()? {
        4 => IpAddr::from(Ipv4Addr::from(buf.try_get_u32()?)),
        6 => IpAddr::from(Ipv6Addr::from(buf.try_get_u128()?)),
        _ => return Err(Malformed("an address is neither IPv4 nor IPv6")),
    };
    Ok(Identity { node, boot, rank, address: SocketAddr::new(ip, buf.try_get_u16()?) })
}
