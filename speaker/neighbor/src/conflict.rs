//! Another machine that says it has an address of ours, and is no speaker ahead of us.
//!
//! | who | what is done | what is told |
//! |---|---|---|
//! | a machine that is no speaker | the address is announced once, at most every 10 s | a conflict, at once |
//! | a speaker behind us | announced anew with a burst, at most every second: it gives way to what it hears | nothing |
//! | the same, and it answers our probes of two refreshes in a row | as before | a conflict: its *kernel* answers (IPVS without strict ARP) |
//!
//! A conflict that goes on is told again once per refresh. It is over when nobody was heard for three refreshes: each
//! refresh sends a probe that the other machine would have answered.

use std::time::Duration;

use crate::action::{Claim, Claimant};
use crate::packet::MacAddr;
use crate::state::InterfaceIndex;

/// An address is announced against a foreign claim at most this often (RFC 5227 §2.4 and its DEFEND_INTERVAL). Two
/// machines that both insist would otherwise flood the network.
pub const DEFEND_INTERVAL: Duration = Duration::from_secs(10);

/// An address is announced against a speaker that ranks behind us at most this often. It gives way to the first
/// announcement it hears, so this is short.
pub const REASSERT_INTERVAL: Duration = Duration::from_secs(1);

/// Another MAC than the one told last is told at most this often: two machines that claim in turn are one conflict.
pub const TELL_INTERVAL: Duration = Duration::from_secs(1);

/// After so many refreshes in which nobody was heard, a conflict is over.
pub const QUIET_REFRESHES: u32 = 3;

/// Another machine that said it has an address that this node owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Its MAC; of several machines, the one heard last.
    pub mac: MacAddr,
    /// Where it was heard last.
    pub interface: InterfaceIndex,
    /// When this MAC was first heard.
    pub since: Duration,
    /// When it was last heard.
    pub last_heard: Duration,
    /// When the address was last defended against it.
    defended: Option<Duration>,
    /// When it was last told of, and as whose.
    told: Option<(Duration, MacAddr)>,
    /// Heard since the last refresh.
    heard_since_refresh: bool,
    /// In so many refreshes in a row somebody was heard.
    refreshes: u32,
}

/// What a claim calls for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Consequences {
    /// The MAC had not been heard before.
    pub(crate) first: bool,
    /// The address may be defended now; that counts as done.
    pub(crate) defend: bool,
    /// The conflict is to be told of now; that counts as done.
    pub(crate) tell: bool,
}

impl Conflict {
    /// Takes in a claim by somebody who is not ahead of us.
    pub(crate) fn hear(known: &mut Option<Self>, claim: &Claim, period: Duration, now: Duration) -> Consequences {
        let Claim { mac, interface, claimant, .. } = *claim;
        let first = known.as_ref().is_none_or(|conflict| conflict.mac != mac);
        let conflict = known.get_or_insert(Self {
            mac,
            interface,
            since: now,
            last_heard: now,
            defended: None,
            told: None,
            heard_since_refresh: false,
            refreshes: 0,
        });
        if first {
            conflict.since = now;
        }
        conflict.mac = mac;
        conflict.interface = interface;
        conflict.last_heard = now;
        conflict.heard_since_refresh = true;
        Consequences {
            first,
            defend: conflict.may_defend(claimant, now),
            tell: conflict.may_tell(claimant, period, now),
        }
    }

    /// The time of the last defence outlives a change of MAC: else two claimants in turn would defeat the limit.
    fn may_defend(&mut self, claimant: Claimant, now: Duration) -> bool {
        let interval = match claimant {
            Claimant::Foreign => DEFEND_INTERVAL,
            Claimant::Ahead | Claimant::Behind => REASSERT_INTERVAL,
        };
        let allowed = self.defended.is_none_or(|last| now >= last + interval);
        if allowed {
            self.defended = Some(now);
        }
        allowed
    }

    fn may_tell(&mut self, claimant: Claimant, period: Duration, now: Duration) -> bool {
        let worth_telling = claimant == Claimant::Foreign || self.refreshes >= 1;
        let due = match self.told {
            None => true,
            Some((last, mac)) if mac == self.mac => now >= last + period,
            Some((last, _)) => now >= last + TELL_INTERVAL,
        };
        if worth_telling && due {
            self.told = Some((now, self.mac));
        }
        worth_telling && due
    }

    /// A refresh goes out, with a probe.
    pub(crate) fn refresh(&mut self) {
        self.refreshes = if std::mem::take(&mut self.heard_since_refresh) { self.refreshes + 1 } else { 0 };
    }

    /// When it is over if nobody is heard any more.
    pub(crate) fn over_at(&self, period: Duration) -> Duration {
        self.last_heard + period * QUIET_REFRESHES
    }

    /// Whether anybody was told of it, who now has to be told that it is over.
    pub(crate) fn is_told(&self) -> bool {
        self.told.is_some()
    }
}
