//! TCP between two addresses of a loopback interface of our own: who is heard, and who is not.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::time::Duration;

use herald_sys::tcp;
use nix::sched::{CloneFlags, unshare};
use socket2::{Domain, Socket, Type};

use crate::link::ip;

/// Long enough for a handshake, short enough to wait for one that never comes.
const PATIENCE: Duration = Duration::from_millis(700);

fn alone<T: Send>(test: impl FnOnce() -> T + Send) -> T {
    let outcome = std::thread::scope(|scope| {
        let run = || {
            unshare(CloneFlags::CLONE_NEWNET).expect("a new network namespace: run this as root");
            ip("link set lo up");
            test()
        };
        scope.spawn(run).join()
    });
    outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn connect(to: SocketAddr, key: Option<&[u8]>, ttl: Option<u32>) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, None)?;
    if let Some(key) = key {
        tcp::sign(socket.as_fd(), to, key)?;
    }
    if let Some(ttl) = ttl {
        if to.is_ipv4() { socket.set_ttl_v4(ttl)? } else { socket.set_unicast_hops_v6(ttl)? }
    }
    socket.connect_timeout(&to.into(), PATIENCE)?;
    Ok(socket.into())
}

#[test]
fn only_who_signs_with_the_same_key_is_heard() {
    for local in ["127.0.0.1:0", "[::1]:0"] {
        alone(|| {
            let listener = TcpListener::bind(local).unwrap();
            let address = listener.local_addr().unwrap();
            tcp::sign(listener.as_fd(), SocketAddr::new(address.ip(), 0), b"secret").unwrap();
            let mut stream = connect(address, Some(b"secret"), None).expect("the same key");
            stream.write_all(b"hello").unwrap();
            let mut heard = [0; 5];
            listener.accept().unwrap().0.read_exact(&mut heard).unwrap();
            assert_eq!(&heard, b"hello");
            for wrong in [Some(&b"other"[..]), None] {
                let error = connect(address, wrong, None).expect_err("another key or none");
                assert_eq!(error.kind(), io::ErrorKind::TimedOut, "silence, not a refusal: {error}");
            }
        });
    }
}

#[test]
fn one_socket_of_both_families_has_a_key_for_each_peer_until_it_is_taken_back() {
    alone(|| {
        let listener = TcpListener::bind("[::]:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        for (known_as, address) in [("[::ffff:127.0.0.1]:0", "127.0.0.1"), ("[::1]:0", "::1")] {
            let peer: SocketAddr = known_as.parse().unwrap();
            let to = SocketAddr::new(address.parse().unwrap(), port);
            tcp::unsign(listener.as_fd(), peer).expect("nothing to take back is no error");
            connect(to, None, None).expect("no key is needed");
            for key in [&b"secret"[..], b"another"] {
                tcp::sign(listener.as_fd(), peer, key).unwrap();
                connect(to, Some(key), None).expect("the key");
                connect(to, None, None).expect_err("the key is missing");
            }
            tcp::unsign(listener.as_fd(), peer).unwrap();
            connect(to, None, None).expect("no key is needed any more");
        }
    });
}

#[test]
fn a_key_must_fit() {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let peer = SocketAddr::from(([127, 0, 0, 1], 179));
    assert!(tcp::sign(socket.as_fd(), peer, &[b'k'; tcp::KEY_MAX]).is_ok());
    for wrong in [&[b'k'; tcp::KEY_MAX + 1][..], b""] {
        let error = tcp::sign(socket.as_fd(), peer, wrong).expect_err("does not fit");
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(error.to_string().contains("127.0.0.1"), "{error}");
    }
}

#[test]
fn who_is_too_far_away_is_not_heard() {
    for local in ["127.0.0.1:0", "[::1]:0"] {
        alone(|| {
            let listener = TcpListener::bind(local).unwrap();
            let address = listener.local_addr().unwrap();
            tcp::require_hop_count(listener.as_fd(), address.is_ipv6(), 255).unwrap();
            connect(address, None, Some(255)).expect("a direct neighbour");
            let error = connect(address, None, Some(64)).expect_err("somebody far away");
            assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{error}");
        });
    }
}

#[test]
fn how_far_away_somebody_is_shows_in_the_first_segment() {
    alone(|| {
        let listener = TcpListener::bind("[::]:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        tcp::keep_syn(listener.as_fd()).unwrap();
        for address in ["127.0.0.1", "::1"] {
            for ttl in [255, 64] {
                let to = SocketAddr::new(address.parse().unwrap(), port);
                let _stream = connect(to, None, Some(ttl)).expect("connects");
                let accepted = listener.accept().unwrap().0;
                let count = tcp::syn_hop_count(accepted.as_fd()).unwrap();
                assert_eq!(count.map(u32::from), Some(ttl), "{address}");
                assert_eq!(tcp::syn_hop_count(accepted.as_fd()).unwrap(), None, "it is told once");
            }
        }
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        let _stream = connect(other.local_addr().unwrap(), None, None).expect("connects");
        assert_eq!(tcp::syn_hop_count(other.accept().unwrap().0.as_fd()).unwrap(), None, "not kept");
    });
}
