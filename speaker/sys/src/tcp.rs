//! What BGP asks of TCP and the standard library does not offer: signatures and the check of the hop count.

use std::io;
use std::mem;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd};

use socket2::SockAddr;

use crate::context::Describe;

/// Longest key (`TCP_MD5SIG_MAXKEYLEN`).
pub const KEY_MAX: usize = 80;

/// `struct tcp_md5sig` of linux/tcp.h, which no crate has.
#[repr(C)]
struct Md5Sig {
    address: libc::sockaddr_storage,
    flags: u8,
    prefix_length: u8,
    key_length: u16,
    interface: libc::c_int,
    key: [u8; KEY_MAX],
}

/// Signs what is sent to `peer` with TCP MD5 (RFC 2385), and drops what comes from there without the signature. Of a
/// listening socket it holds for the connections that it accepts from there. The port does not count. To be called before
/// `connect`.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] for a key that is empty or longer than [`KEY_MAX`]; `ENOPROTOOPT` if the kernel was built
/// without `CONFIG_TCP_MD5SIG`.
pub fn sign(socket: BorrowedFd<'_>, peer: SocketAddr, key: &[u8]) -> io::Result<()> {
    let describe = || format!("cannot sign segments for {}", peer.ip());
    let mut padded = [0; KEY_MAX];
    let (Some(room), Ok(key_length), false) = (padded.get_mut(..key.len()), u16::try_from(key.len()), key.is_empty())
    else {
        let why = format!("a TCP MD5 key has 1 to {KEY_MAX} octets, this one has {}", key.len());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why)).describe(describe);
    };
    room.copy_from_slice(key);
    set(socket, libc::IPPROTO_TCP, libc::TCP_MD5SIG, &signature(peer, key_length, padded)).describe(describe)
}

/// Takes back what [`sign`] has said of `peer`: of a listening socket, what comes from there needs no signature any more.
/// That it never was said is no error.
///
/// # Errors
/// What the kernel says.
pub fn unsign(socket: BorrowedFd<'_>, peer: SocketAddr) -> io::Result<()> {
    match set(socket, libc::IPPROTO_TCP, libc::TCP_MD5SIG, &signature(peer, 0, [0; KEY_MAX])) {
        Err(error) if error.raw_os_error() != Some(libc::ENOENT) => {
            Err(error).describe(|| format!("cannot do without signatures of {}", peer.ip()))
        }
        _ => Ok(()),
    }
}

fn signature(peer: SocketAddr, key_length: u16, key: [u8; KEY_MAX]) -> Md5Sig {
    let address = *storage(&SockAddr::from(peer));
    Md5Sig { address, flags: 0, prefix_length: 0, key_length, interface: 0, key }
}

/// Drops segments of this connection that have crossed more routers than a peer so near would have let them: those that
/// arrive with a hop count below `minimum` (GTSM, RFC 5082). 255 accepts direct neighbours only.
///
/// # Errors
/// What the kernel says.
pub fn require_hop_count(socket: BorrowedFd<'_>, ipv6: bool, minimum: u8) -> io::Result<()> {
    let minimum = libc::c_int::from(minimum);
    let result = match ipv6 {
        true => set(socket, libc::IPPROTO_IPV6, libc::IPV6_MINHOPCOUNT, &minimum),
        false => set(socket, libc::IPPROTO_IP, libc::IP_MINTTL, &minimum),
    };
    result.describe(|| format!("cannot require a hop count of {minimum}"))
}

/// Keeps the first segment of every connection that this listening socket accepts, for [`syn_hop_count`].
///
/// # Errors
/// What the kernel says.
pub fn keep_syn(listener: BorrowedFd<'_>) -> io::Result<()> {
    let yes: libc::c_int = 1;
    let set = set(listener, libc::IPPROTO_TCP, libc::TCP_SAVE_SYN, &yes);
    set.describe(|| "cannot keep the first segments of connections".to_owned())
}

/// The hop count with which the first segment of an accepted connection has arrived, whatever was required of later ones:
/// who is far away can't make it higher (GTSM, RFC 5082). `None` if it was not kept (see [`keep_syn`]), as when the kernel
/// sent SYN cookies, or was asked for before.
///
/// # Errors
/// What the kernel says.
pub fn syn_hop_count(socket: BorrowedFd<'_>) -> io::Result<Option<u8>> {
    let describe = || "cannot read the first segment of a connection".to_owned();
    // Headers of IP and TCP with all their options.
    let mut headers = [0_u8; 512];
    let mut length = libc::socklen_t::try_from(headers.len()).map_err(io::Error::other)?;
    let (level, option) = (libc::IPPROTO_TCP, libc::TCP_SAVED_SYN);
    // SAFETY: the descriptor is open, and the kernel writes at most `length` octets to `headers`, which has as many.
    let result =
        unsafe { libc::getsockopt(socket.as_raw_fd(), level, option, headers.as_mut_ptr().cast(), &raw mut length) };
    if result != 0 {
        return Err(io::Error::last_os_error()).describe(describe);
    }
    let headers = headers.get(..usize::try_from(length).unwrap_or_default()).unwrap_or_default();
    Ok(match headers.first().map(|first| first >> 4) {
        Some(4) => headers.get(8).copied(),
        Some(6) => headers.get(7).copied(),
        _ => None,
    })
}

fn storage(address: &SockAddr) -> &libc::sockaddr_storage {
    // SAFETY: a `SockAddr` holds a whole `sockaddr_storage`, whatever its length says, and the reference lives as long.
    unsafe { &*address.as_ptr().cast::<libc::sockaddr_storage>() }
}

fn set<T>(socket: BorrowedFd<'_>, level: libc::c_int, option: libc::c_int, value: &T) -> io::Result<()> {
    let length = libc::socklen_t::try_from(mem::size_of::<T>()).map_err(io::Error::other)?;
    let value: *const T = value;
    // SAFETY: the descriptor is open, and `value` points to `length` octets that the kernel only reads.
    let result = unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, value.cast(), length) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_is_the_kernels() {
        assert_eq!(mem::size_of::<Md5Sig>(), 216);
        assert_eq!(mem::offset_of!(Md5Sig, key_length), 130);
        assert_eq!(mem::offset_of!(Md5Sig, key), 136);
    }
}
