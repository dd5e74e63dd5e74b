//! A BGP identifier for a node without IPv4 address.

use std::net::Ipv4Addr;

/// The polynomial of CRC-32 (IEEE 802.3), its bits in reverse.
const POLYNOMIAL: u32 = 0xedb8_8320;

/// The CRC-32 of the node's name, lowest octet first: what MetalLB takes, so that a router sees the same node as before.
pub(super) fn of_name(name: &str) -> Ipv4Addr {
    Ipv4Addr::from(crc32(name.as_bytes()).to_le_bytes())
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| (crc >> 1) ^ (POLYNOMIAL & (crc & 1).wrapping_neg());
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_catalogue() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b""), 0);
        assert_eq!(of_name("123456789"), Ipv4Addr::new(0x26, 0x39, 0xf4, 0xcb));
    }
}
