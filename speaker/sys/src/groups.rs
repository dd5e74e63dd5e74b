//! IPv6 groups that this host has joined on one interface.
//!
//! A question for an IPv6 address goes to the group of all who have a similar one. A network card passes on only frames of
//! groups it was told about, and a switch that does MLD snooping sends them only where somebody has reported to be in the
//! group. A real membership of the host, asked for by a plain UDP socket, makes the kernel do both: it sets the card's
//! filter, and sends the MLD reports, also in answer to later queries and after the link was down. A packet socket's own
//! membership (`PACKET_MR_MULTICAST`) would do the first alone.
//!
//! A socket holds memberships until it is closed, each in memory that `net.core.optmem_max` limits per socket (20 KiB before
//! Linux 6.8, about 400 groups), so there is one socket for every [`PER_SOCKET`].

use std::collections::BTreeMap;
use std::io;
use std::net::Ipv6Addr;

use socket2::{Domain, Socket, Type};

use crate::context::Describe;

/// Groups that one socket holds.
const PER_SOCKET: usize = 128;

/// The groups joined on one interface; left when this is dropped. Needs no privilege.
#[derive(Debug)]
pub struct Groups {
    interface: u32,
    sockets: Vec<(Socket, usize)>,
    /// Which socket holds the membership.
    joined: BTreeMap<Ipv6Addr, usize>,
}

impl Groups {
    /// None, on the interface with this index.
    pub fn new(interface: u32) -> Self {
        Self { interface, sockets: Vec::new(), joined: BTreeMap::new() }
    }

    /// Joins a group; nothing if that was done before.
    ///
    /// # Errors
    /// `ENODEV` if the interface is gone or has no IPv6, [`io::ErrorKind::InvalidInput`] if it is no group, or what is said
    /// when no socket is to be had.
    pub fn join(&mut self, group: Ipv6Addr) -> io::Result<()> {
        if self.joined.contains_key(&group) {
            return Ok(());
        }
        let describe = || format!("cannot join {group} on interface {}", self.interface);
        let at = match self.sockets.iter().position(|(_, held)| *held < PER_SOCKET) {
            Some(at) => at,
            None => {
                let socket = Socket::new(Domain::IPV6, Type::DGRAM.cloexec(), None).describe(describe)?;
                self.sockets.push((socket, 0));
                self.sockets.len() - 1
            }
        };
        if let Some((socket, held)) = self.sockets.get_mut(at) {
            socket.join_multicast_v6(&group, self.interface).describe(describe)?;
            *held += 1;
            self.joined.insert(group, at);
        }
        Ok(())
    }

    /// Leaves a group; nothing if it was not joined. It counts as left also if the kernel says that it never was in.
    ///
    /// # Errors
    /// When the kernel knows of no such membership: the interface is gone.
    pub fn leave(&mut self, group: Ipv6Addr) -> io::Result<()> {
        let Some((socket, held)) = self.joined.remove(&group).and_then(|at| self.sockets.get_mut(at)) else {
            return Ok(());
        };
        *held -= 1;
        let interface = self.interface;
        let left = socket.leave_multicast_v6(&group, interface);
        left.describe(|| format!("cannot leave {group} on interface {interface}"))
    }

    /// The groups joined, in order.
    pub fn joined(&self) -> impl Iterator<Item = Ipv6Addr> {
        self.joined.keys().copied()
    }
}
