//! What comes out: answers, reports, and frames to send.

use std::net::IpAddr;

use crate::packet::{MacAddr, arp, ndp};
use crate::state::InterfaceIndex;

/// What became of a received frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Send `frame` back on the interface it came from.
    Reply {
        /// The whole Ethernet frame.
        frame: Vec<u8>,
        /// The address that was asked for.
        ip: IpAddr,
        /// Who asked.
        to: MacAddr,
    },
    /// Somebody else says that an address we own is his. If it is [`Claimant::Ahead`], it is yielded.
    Claim(Claim),
    /// An answer to a question of ours, and nothing else. A [`Notice`] says which.
    Heard,
    /// Nothing to do, for this reason. It has been counted.
    Ignored(Ignored),
}

/// Another machine's word that it has an address of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The address.
    pub ip: IpAddr,
    /// The MAC it is said to have.
    pub mac: MacAddr,
    /// Where that was heard.
    pub interface: InterfaceIndex,
    /// Who says so.
    pub claimant: Claimant,
    /// The same MAC's first claim to this address since we own it: the one worth an Event.
    pub first: bool,
}

/// Who stands behind a MAC that claims an address of ours. The caller tells: [`Layer2::own`](crate::Layer2::own),
/// [`Layer2::set_speakers`](crate::Layer2::set_speakers).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claimant {
    /// A speaker that comes before this node in the election of the address: we give way at once.
    Ahead,
    /// Another speaker, which comes after this node: it has not heard yet, so we announce again.
    Behind,
    /// No speaker that we know: a host with the same address, or a machine that answers for others.
    Foreign,
}

/// Why a frame can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// As ARP, which it should be.
    #[error(transparent)]
    Arp(#[from] arp::DecodeError),
    /// As neighbour discovery, which it should be.
    #[error(transparent)]
    Ndp(#[from] ndp::DecodeError),
}

impl DecodeError {
    /// A short fixed name, for metrics.
    pub fn label(self) -> &'static str {
        match self {
            Self::Arp(error) => error.label(),
            Self::Ndp(error) => error.label(),
        }
    }
}

/// Why nothing was done about a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ignored {
    /// Neither an ARP packet for IPv4 over Ethernet nor a valid neighbour discovery message.
    Malformed(DecodeError),
    /// From an interface that is not in use (any more).
    UnknownInterface,
    /// Sent by this node itself, and come back through another interface or a loop in the network.
    OwnFrame,
    /// The sender's MAC is zero or a group address: nobody to answer.
    InvalidSender,
    /// About addresses that this node does not own. The kernel filter lets these through only while it is coarse, or
    /// has not caught up with a change.
    NotOwned,
    /// About an address that this node owns, but not on this interface (or, for IPv6, an interface without a link-local
    /// address).
    OtherInterface,
    /// An answer to somebody else's question.
    NotARequest,
    /// A request whose Ethernet destination is neither everybody nor this interface.
    NotToUs,
    /// For us to answer, but we are to keep silent for now.
    Silent,
    /// Asks for an address that we gave way for.
    Yielded,
    /// Somebody says that he has an address that we stand in for: the owner, back again, or another one.
    StoodInFor,
}

impl Ignored {
    /// A short fixed name, for metrics.
    pub fn label(self) -> &'static str {
        match self {
            Self::Malformed(error) => error.label(),
            Self::UnknownInterface => "unknown_interface",
            Self::OwnFrame => "own_frame",
            Self::InvalidSender => "invalid_sender",
            Self::NotOwned => "not_owned",
            Self::OtherInterface => "other_interface",
            Self::NotARequest => "not_a_request",
            Self::NotToUs => "not_to_us",
            Self::Silent => "silent",
            Self::Yielded => "yielded",
            Self::StoodInFor => "stood_in_for",
        }
    }
}

/// A frame to send now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmission {
    /// Where.
    pub interface: InterfaceIndex,
    /// The whole Ethernet frame.
    pub frame: Vec<u8>,
    /// The address it announces or asks for.
    pub ip: IpAddr,
    /// What it is for.
    pub purpose: Purpose,
}

/// What an unasked-for frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Tells that the address is here.
    Announcement,
    /// Asks who has the address.
    Probe,
}

/// Something that the decider has to know. Interfaces are numbers here; [`map`](Self::map) makes them what the caller knows
/// them by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice<I = InterfaceIndex> {
    /// A speaker ahead of us claims `ip`: we keep silent about it.
    Yielded {
        /// The address.
        ip: IpAddr,
        /// The MAC it is said to have.
        mac: MacAddr,
    },
    /// Nobody ahead of us has `ip` any more: we answer and announce it again.
    Resumed {
        /// The address.
        ip: IpAddr,
    },
    /// A machine that should not have `ip` says that it does. Told at the first claim and again once per refresh.
    Conflict {
        /// The address.
        ip: IpAddr,
        /// The MAC it is said to have.
        mac: MacAddr,
        /// Where that was heard.
        interface: I,
    },
    /// Nobody else claims `ip` any more. Not told for an address that is no longer ours.
    ConflictOver {
        /// The address.
        ip: IpAddr,
    },
    /// An answer to [`Layer2::probe`](crate::Layer2::probe), within a second.
    Heard {
        /// The address that was asked for.
        target: IpAddr,
        /// The MAC it is said to have.
        mac: MacAddr,
        /// Where that was heard.
        interface: I,
    },
}

impl<I> Notice<I> {
    /// The same, with each interface as `to` translates it.
    pub fn map<J>(self, to: impl FnOnce(I) -> J) -> Notice<J> {
        match self {
            Self::Yielded { ip, mac } => Notice::Yielded { ip, mac },
            Self::Resumed { ip } => Notice::Resumed { ip },
            Self::Conflict { ip, mac, interface } => Notice::Conflict { ip, mac, interface: to(interface) },
            Self::ConflictOver { ip } => Notice::ConflictOver { ip },
            Self::Heard { target, mac, interface } => Notice::Heard { target, mac, interface: to(interface) },
        }
    }
}
