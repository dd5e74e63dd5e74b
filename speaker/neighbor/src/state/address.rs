//! An address that this node holds, and what it does for it.

use std::collections::BTreeSet;

use crate::conflict::Conflict;
use crate::packet::MacAddr;
use crate::state::Scope;
use crate::yielding::Yielded;

/// An address that this node has something to do with.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) scope: Scope,
    pub(crate) role: Role,
    pub(crate) counters: AddressCounters,
}

/// As what this node answers.
#[derive(Clone, Debug)]
pub(crate) enum Role {
    Owner(Owner),
    /// On behalf of the owner with this MAC, whose speaker is away for a moment.
    StandIn(MacAddr),
}

/// What there is to know about an address that is ours.
#[derive(Clone, Debug, Default)]
pub(crate) struct Owner {
    /// MACs of speakers whose claims come before ours.
    pub(crate) ahead: BTreeSet<MacAddr>,
    /// One of them claims it.
    pub(crate) yielded: Option<Yielded>,
    /// Somebody else claims it.
    pub(crate) conflict: Option<Conflict>,
}

impl Held {
    pub(crate) fn new(scope: Scope, role: Role) -> Self {
        Self { scope, role, counters: AddressCounters::default() }
    }

    pub(crate) fn owner(&self) -> Option<&Owner> {
        match &self.role {
            Role::Owner(owner) => Some(owner),
            Role::StandIn(_) => None,
        }
    }

    pub(crate) fn owner_mut(&mut self) -> Option<&mut Owner> {
        match &mut self.role {
            Role::Owner(owner) => Some(owner),
            Role::StandIn(_) => None,
        }
    }

    pub(crate) fn standing(&self) -> Standing {
        match &self.role {
            Role::StandIn(_) => Standing::StandIn,
            Role::Owner(owner) if owner.yielded.is_some() => Standing::Yielded,
            Role::Owner(_) => Standing::Owner,
        }
    }
}

/// What this node does for an address that it was told to own or to stand in for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Answers and announces it.
    Owner,
    /// Owns it and keeps silent, because a speaker that comes before this one claims it.
    Yielded,
    /// Answers with the owner's MAC, while the owner's speaker is away.
    StandIn,
}

/// What was received and sent for one address since it was won.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AddressCounters {
    /// Requests that asked for it and were for us to answer.
    pub requests_received: u64,
    /// Answers handed out for sending.
    pub responses_sent: u64,
    /// Unasked-for announcements handed out for sending: two frames per interface and round for IPv4.
    pub gratuitous_sent: u64,
    /// Packets in which another machine said that the address is its own.
    pub claims_received: u64,
}
