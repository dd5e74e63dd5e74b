//! Interfaces by name, index and address.

use std::ffi::{CStr, CString};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ptr;

use crate::context::Describe;

/// The index of the interface with this name.
///
/// # Errors
/// `ENODEV` if there is none.
pub fn interface_index(name: &str) -> io::Result<u32> {
    let describe = || format!("cannot use interface {name}");
    let text = CString::new(name).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput)).describe(describe)?;
    // SAFETY: the text ends with a zero, and the kernel only reads it.
    match unsafe { libc::if_nametoindex(text.as_ptr()) } {
        0 => Err(io::Error::last_os_error()).describe(describe),
        index => Ok(index),
    }
}

/// The name of the interface that has this address; `None` if none has.
///
/// # Errors
/// When the addresses can't be listed.
pub fn interface_of(address: IpAddr) -> io::Result<Option<String>> {
    let addresses = Addresses::list().describe(|| "cannot list the addresses of this host".to_owned())?;
    let mut next = addresses.0;
    while !next.is_null() {
        // SAFETY: an entry of the list, which lives as long as `addresses`.
        let entry = unsafe { &*next };
        if ip(entry.ifa_addr) == Some(address) {
            // SAFETY: every entry has a name, a text that ends with a zero and lives as long as the list.
            let name = unsafe { CStr::from_ptr(entry.ifa_name) };
            return Ok(Some(name.to_string_lossy().into_owned()));
        }
        next = entry.ifa_next;
    }
    Ok(None)
}

/// What `getifaddrs` has made.
struct Addresses(*mut libc::ifaddrs);

impl Addresses {
    fn list() -> io::Result<Self> {
        let mut first = ptr::null_mut();
        // SAFETY: it writes one pointer, for which there is room.
        match unsafe { libc::getifaddrs(&raw mut first) } {
            0 => Ok(Self(first)),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

impl Drop for Addresses {
    fn drop(&mut self) {
        // SAFETY: made by `getifaddrs` and freed once.
        unsafe { libc::freeifaddrs(self.0) }
    }
}

/// The address in an entry of `getifaddrs`, if it is one of IP.
fn ip(address: *const libc::sockaddr) -> Option<IpAddr> {
    if address.is_null() {
        return None;
    }
    // SAFETY: it points to an address, which begins with its family.
    let family = unsafe { (*address).sa_family };
    match libc::c_int::from(family) {
        libc::AF_INET => {
            // SAFETY: of this family the address is a `sockaddr_in`.
            let address = unsafe { address.cast::<libc::sockaddr_in>().read_unaligned() };
            Some(Ipv4Addr::from(u32::from_be(address.sin_addr.s_addr)).into())
        }
        libc::AF_INET6 => {
            // SAFETY: of this family the address is a `sockaddr_in6`.
            let address = unsafe { address.cast::<libc::sockaddr_in6>().read_unaligned() };
            Some(Ipv6Addr::from(address.sin6_addr.s6_addr).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_has_its_addresses() {
        assert_eq!(interface_of(Ipv4Addr::LOCALHOST.into()).unwrap().as_deref(), Some("lo"));
        assert_eq!(interface_of(Ipv4Addr::new(192, 0, 2, 77).into()).unwrap(), None);
        assert!(interface_index("lo").unwrap() > 0);
    }
}
