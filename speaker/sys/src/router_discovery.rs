//! A socket for Router Discovery on one interface (RFC 4861 §6): solicitations and advertisements of direct neighbours.

use std::io;
use std::net::{Ipv6Addr, UdpSocket};
use std::os::fd::OwnedFd;

use socket2::{Domain, Protocol, Socket, Type};

use crate::context::Describe;
use crate::filter::{Instruction, attach};

/// All nodes, and all routers, of a link (RFC 4291 §2.7.1).
const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);

/// Who is farther away than the link can't send this (RFC 4861 §6.1.2: hop limit 255).
const FROM_THE_LINK: u32 = 255;

/// Accepts Router Solicitations (133) and Router Advertisements (134) with a hop limit of 255. The packet begins with the
/// ICMPv6 header; what stands before it is found relative to `SKF_NET_OFF`.
const FILTER: [Instruction; 7] = [
    Instruction { code: LOAD_BYTE, jt: 0, jf: 0, k: 0 },
    Instruction { code: JUMP_IF_EQUAL, jt: 1, jf: 0, k: 133 },
    Instruction { code: JUMP_IF_EQUAL, jt: 0, jf: 3, k: 134 },
    Instruction { code: LOAD_BYTE, jt: 0, jf: 0, k: SKF_NET_OFF + 7 },
    Instruction { code: JUMP_IF_EQUAL, jt: 0, jf: 1, k: FROM_THE_LINK },
    Instruction { code: RETURN, jt: 0, jf: 0, k: u32::MAX },
    Instruction { code: RETURN, jt: 0, jf: 0, k: 0 },
];
const LOAD_BYTE: u16 = 0x30;
const JUMP_IF_EQUAL: u16 = 0x15;
const RETURN: u16 = 0x06;
/// -0x100000 of linux/filter.h.
const SKF_NET_OFF: u32 = 0xfff0_0000;

/// A raw ICMPv6 socket, bound to the interface, that receives solicitations and advertisements of Router Discovery from the
/// link alone, and sends with a hop limit of 255; the kernel makes and checks checksums. (It has the type of a UDP socket,
/// as which it is received from and sent to; the port is always 0.) Needs CAP_NET_RAW.
///
/// # Errors
/// `ENODEV` if the interface is gone or has no IPv6, `EPERM` without the capability.
pub fn router_discovery(name: &str, interface: u32) -> io::Result<UdpSocket> {
    let describe = || format!("cannot look for routers on interface {name}");
    let socket = Socket::new(Domain::IPV6, Type::RAW, Some(Protocol::ICMPV6)).describe(describe)?;
    attach(&socket, &FILTER).describe(describe)?;
    socket.set_nonblocking(true).describe(describe)?;
    socket.bind_device(Some(name.as_bytes())).describe(describe)?;
    socket.set_unicast_hops_v6(FROM_THE_LINK).describe(describe)?;
    socket.set_multicast_hops_v6(FROM_THE_LINK).describe(describe)?;
    socket.set_multicast_if_v6(interface).describe(describe)?;
    socket.set_multicast_loop_v6(false).describe(describe)?;
    socket.join_multicast_v6(&ALL_ROUTERS, interface).describe(describe)?;
    Ok(UdpSocket::from(OwnedFd::from(socket)))
}
