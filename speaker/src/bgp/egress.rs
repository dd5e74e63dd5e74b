//! The global IPv6 address of the interface that a session leaves by, for routers that reach this node by nothing else.

use std::net::{IpAddr, Ipv6Addr};

/// The kernel's IPv6 addresses: address, interface index, prefix length, scope, flags (all hexadecimal), interface.
const ADDRESSES: &str = "/proc/thread-self/net/if_inet6";

/// Scope of a global address there.
const GLOBAL: u8 = 0;

/// Flags of addresses that nobody is to be told: temporary, failed, deprecated, tentative (linux/if_addr.h).
const UNFIT: u8 = 0x01 | 0x08 | 0x20 | 0x40;

/// A global IPv6 address of the interface with the address `local`, or of `device` if that address is link-local. The lowest,
/// so that it is the same each time.
pub(super) fn global_address(local: IpAddr, device: Option<&str>) -> Option<Ipv6Addr> {
    let link_local = matches!(local, IpAddr::V6(local) if local.is_unicast_link_local());
    let name = match device {
        Some(device) if link_local => device.to_owned(),
        _ => herald_sys::interface_of(local).ok().flatten()?,
    };
    // A kernel without IPv6 has no such file.
    lowest(&std::fs::read_to_string(ADDRESSES).ok()?, &name)
}

fn lowest(addresses: &str, name: &str) -> Option<Ipv6Addr> {
    addresses.lines().filter_map(|line| read(line, name)).min()
}

/// The address in this line, if it is one of the interface and fit.
fn read(line: &str, name: &str) -> Option<Ipv6Addr> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let [address, _, _, scope, flags, interface] = fields.as_slice() else { return None };
    let byte = |text: &str| u8::from_str_radix(text, 16).ok();
    let fit = byte(scope)? == GLOBAL && byte(flags)? & UNFIT == 0 && *interface == name;
    let address = u128::from_str_radix(address, 16).ok()?;
    fit.then(|| Ipv6Addr::from(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_that_lasts() {
        let addresses = "\
00000000000000000000000000000001 01 80 10 80       lo
20010db8000000000000000000000009 02 40 00 80     eth0
20010db8000000000000000000000005 02 40 00 80     eth0
20010db8000000000000000000000001 02 40 00 01     eth0
20010db8000000000000000000000002 02 40 00 20     eth0
20010db8000000000000000000000003 02 40 00 c0     eth0
20010db8000000000000000000000004 02 40 00 88     eth0
20010db8000000000000000000000000 03 40 00 80     eth1
fe80000000000000000000fffe000001 02 40 20 80     eth0
nonsense
";
        assert_eq!(lowest(addresses, "eth0"), "2001:db8::5".parse().ok());
        assert_eq!(lowest(addresses, "eth1"), "2001:db8::".parse().ok());
        assert_eq!(lowest(addresses, "lo"), None);
        assert_eq!(lowest("", "eth0"), None);
    }
}
