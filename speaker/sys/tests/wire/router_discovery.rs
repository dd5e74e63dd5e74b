//! Router Discovery between two interfaces: what arrives, and what does not.

use std::io;
use std::net::{SocketAddr, SocketAddrV6, UdpSocket};
use std::os::fd::{AsFd as _, OwnedFd};

use herald_sys::{interface_index, router_discovery};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socket2::{Domain, Protocol, Socket, Type};

use crate::link::{ip, with_link};

const ADVERTISEMENT: [u8; 16] = [134, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

fn readable(socket: &UdpSocket) -> bool {
    let timeout = PollTimeout::from(2_000_u16);
    poll(&mut [PollFd::new(socket.as_fd(), PollFlags::POLLIN)], timeout).expect("poll") > 0
}

fn next(socket: &UdpSocket) -> (u8, String) {
    assert!(readable(socket), "nothing within two seconds");
    let mut buffer = [0; 1_500];
    let (length, from) = socket.recv_from(&mut buffer).expect("a message");
    assert!(length >= 8);
    (buffer[0], from.ip().to_string())
}

#[test]
fn only_routers_of_the_link_are_heard() {
    with_link(|link| {
        ip("-6 address add fe80::1/64 dev left nodad");
        ip("-6 address add fe80::2/64 dev right nodad");
        assert_eq!(interface_index("left").unwrap(), link.left);
        let left = router_discovery("left", link.left).expect("a socket");
        let right = router_discovery("right", link.right).expect("a socket");
        let to = |group: &str| SocketAddr::from(SocketAddrV6::new(group.parse().unwrap(), 0, 0, link.right));

        // Something else, from somebody far away, and one of the link.
        let far = Socket::new(Domain::IPV6, Type::RAW, Some(Protocol::ICMPV6)).unwrap();
        far.set_multicast_if_v6(link.right).unwrap();
        far.set_multicast_hops_v6(64).unwrap();
        far.bind(&SocketAddr::from(SocketAddrV6::new("fe80::2".parse().unwrap(), 0, 0, link.right)).into()).unwrap();
        let far = UdpSocket::from(OwnedFd::from(far));
        far.send_to(&ADVERTISEMENT, to("ff02::1")).unwrap();
        right
            .send_to(&[136, 0, 0, 0, 0, 0, 0, 0, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2], to("ff02::1"))
            .unwrap();
        right.send_to(&[133, 0, 0, 0, 0, 0, 0, 0], to("ff02::2")).unwrap();
        assert_eq!(next(&left), (133, "fe80::2".to_owned()), "a solicitation, to the group of routers");
        right.send_to(&ADVERTISEMENT, to("ff02::1")).unwrap();
        assert_eq!(next(&left), (134, "fe80::2".to_owned()));
        let nothing = left.recv_from(&mut [0; 64]).expect_err("nothing else");
        assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
    });
}

#[test]
fn an_interface_that_is_not_there_is_named() {
    let error = interface_index("nosuch0").expect_err("there is none");
    assert!(error.to_string().contains("nosuch0"), "{error}");
    assert!(interface_index("a\0b").is_err());
}
