//! What a BGPSessionState says.
//!
//! Sessions that can't be established try for ever, and go through RFC 4271's states as they do: `Idle`, `Connect`,
//! `Active` and back, every few seconds. Of these the object says `Active`, so that a router that is down for a week
//! costs one write. The momentary state is on `/metrics`.
//!
//! | what changed | told after |
//! | --- | --- |
//! | established | at once, [`PAUSE`] after the last write |
//! | lost | [`LOSS`], [`PAUSE`] after the last write |
//! | prefixes, or why it can't be established | [`DETAILS`] after the last write |

use std::collections::BTreeMap;
use std::time::Duration;

use herald_bgp::Family;
use herald_bgp::state::State;
use k8s_openapi::jiff::Timestamp;

use super::ledger::{Actual, Saying};
use crate::bgp::Status;

/// Between two writes of one session's object.
const PAUSE: Duration = Duration::from_secs(5);
/// Between two writes of it if only details have changed: counts of prefixes, words.
const DETAILS: Duration = Duration::from_secs(30);
/// How long a session must not have been established: most come up within a moment of the speaker's start.
const LOSS: Duration = Duration::from_secs(2);
/// How the error begins that blames our AS number.
const BAD_PEER_AS: &str = "peer says: bad peer AS";
/// Characters of an error: some of it is the peer's own words.
const WORDS_MAX: usize = 1024;

/// How the sessions of this node are doing, by BGPPeer. A BGPPeer that this node is to have a session with is in it,
/// whether it can have one or not; all others are gone.
pub type Sessions = BTreeMap<String, SessionSeen>;

/// A session, or why there can't be one.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionSeen {
    /// Address of the peer, or the interface at whose other end it is.
    pub address: String,
    /// Its TCP port.
    pub port: u16,
    /// The VRF that it is spoken with in, if not the default one.
    pub vrf: Option<String>,
    /// The AS number that the peer is to know us by.
    pub own_as: u32,
    /// How it is doing; or why no session can be had, in a sentence.
    pub status: Result<Status, String>,
    /// What is doubtful about a session that can be had, in a sentence.
    pub doubt: Option<String>,
}

/// State of a session as its object shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// Not tried.
    Idle,
    /// Tried, whatever its state is just now.
    Active,
    /// Established.
    Established,
}

impl Shown {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "Idle",
            Self::Active => "Active",
            Self::Established => "Established",
        }
    }
}

/// Prefixes of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Prefixes {
    /// Announced to the peer.
    pub(super) ipv4: i64,
    /// Announced to the peer.
    pub(super) ipv6: i64,
    /// To be announced, of all families.
    pub(super) wanted: i64,
    /// Announced by the peer; `None`: more than are counted.
    pub(super) received: Option<i64>,
}

/// What a BGPSessionState says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SessionSaid {
    pub(super) address: String,
    pub(super) vrf: Option<String>,
    pub(super) state: Shown,
    /// In whole seconds, as the API keeps times.
    pub(super) established_at: Option<Timestamp>,
    pub(super) families: Vec<Family>,
    pub(super) prefixes: Prefixes,
    /// Why the last session or attempt ended, or why there is none.
    pub(super) last_error: Option<String>,
    /// Families that were agreed on and are not announced.
    pub(super) no_next_hop: Vec<Family>,
    /// Why prefixes can't be sent.
    pub(super) unsendable: Option<String>,
    /// What is doubtful about it.
    pub(super) doubt: Option<String>,
}

impl SessionSaid {
    /// What is to be said of a session.
    pub(super) fn of(seen: &SessionSeen) -> Self {
        let SessionSeen { address, port: _, vrf, own_as, status, doubt } = seen;
        let mut said = Self {
            address: address.clone(),
            vrf: vrf.clone(),
            state: Shown::Idle,
            established_at: None,
            families: Vec::new(),
            prefixes: Prefixes::default(),
            last_error: None,
            no_next_hop: Vec::new(),
            unsendable: None,
            doubt: doubt.as_deref().map(shorten),
        };
        let status = match status {
            Ok(status) => status,
            Err(why) => {
                said.last_error = Some(shorten(why));
                return said;
            }
        };
        let established = status.state == State::Established;
        said.state = if established { Shown::Established } else { Shown::Active };
        said.last_error = status.last_error.as_deref().map(|error| {
            // That we are not who we should be is what routers say most, without saying who we are.
            let we = if error.starts_with(BAD_PEER_AS) { format!(" (we are {own_as})") } else { String::new() };
            shorten(error) + &we
        });
        said.prefixes.wanted = number(status.desired);
        if established {
            let whole = |at: Timestamp| Timestamp::from_second(at.as_second()).unwrap_or(at);
            let [ipv4, ipv6] = status.sent.map(number);
            said.established_at = status.established_at.map(whole);
            said.families = status.negotiated.iter().flat_map(|agreed| &agreed.families).copied().collect();
            said.prefixes = Prefixes { ipv4, ipv6, received: status.received.map(number), ..said.prefixes };
            said.no_next_hop = status.without_next_hop.iter().copied().collect();
            said.unsendable = status.unsendable.as_deref().map(shorten);
        }
        said
    }

    /// Whether nothing but details are different.
    fn resembles(&self, other: &Self) -> bool {
        let details = |said: &Self| Self { prefixes: Prefixes::default(), last_error: None, ..said.clone() };
        details(self) == details(other)
    }
}

impl Saying for SessionSaid {
    fn stands(&self, actual: &Self) -> bool {
        self == actual
    }

    fn patience(&self, actual: Option<&Actual<Self>>) -> Duration {
        let resembles = actual.and_then(Actual::said).is_some_and(|said| self.resembles(said));
        if self.state != Shown::Established && !resembles { LOSS } else { Duration::ZERO }
    }

    fn pause(&self, actual: &Self) -> Duration {
        if self.resembles(actual) { DETAILS } else { PAUSE }
    }
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn shorten(words: &str) -> String {
    words.chars().take(WORDS_MAX).collect()
}

#[cfg(test)]
mod tests;
