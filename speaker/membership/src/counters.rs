//! What happened, in numbers: bad input is dropped and counted, never answered with a failure.

/// Why a datagram changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DropReason {
    /// Ends within its header.
    TooShort,
    /// Longer than [`crate::MAX_DATAGRAM`].
    Oversized,
    /// A format version that we cannot read.
    Version,
    /// Sealed while we run without a key, or the reverse.
    Security,
    /// Sealed with a key that is not in our ring, or altered, or from another cluster.
    WrongKey,
    /// Our own datagram came back.
    Own,
    /// Meant for another node.
    Misaddressed,
    /// From or to an earlier life of a node: an echo of the past, or a peer that does not know us yet.
    Outdated,
    /// Seen before, or too old to tell.
    Replayed,
    /// Properly sealed but unreadable.
    Malformed,
    /// The sender is unknown and the table of unlisted nodes is full.
    TableFull,
    /// Arrived after we left.
    Left,
}

impl DropReason {
    /// All reasons, for metrics.
    pub const ALL: [Self; 12] = [
        Self::TooShort,
        Self::Oversized,
        Self::Version,
        Self::Security,
        Self::WrongKey,
        Self::Own,
        Self::Misaddressed,
        Self::Outdated,
        Self::Replayed,
        Self::Malformed,
        Self::TableFull,
        Self::Left,
    ];

    /// A label for metrics and logs.
    pub fn label(self) -> &'static str {
        match self {
            Self::TooShort => "too_short",
            Self::Oversized => "oversized",
            Self::Version => "version",
            Self::Security => "security",
            Self::WrongKey => "wrong_key",
            Self::Own => "own",
            Self::Misaddressed => "misaddressed",
            Self::Outdated => "outdated",
            Self::Replayed => "replayed",
            Self::Malformed => "malformed",
            Self::TableFull => "table_full",
            Self::Left => "left",
        }
    }
}

/// Totals since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Datagrams received, good and bad.
    pub received: u64,
    /// Datagrams that were read and acted on.
    pub accepted: u64,
    /// Datagrams sent.
    pub sent: u64,
    /// Bytes sent, without UDP and IP headers.
    pub sent_bytes: u64,
    /// Claims about nodes that no list knows, refused because the table of unlisted nodes is full.
    pub refused_claims: u64,
    /// Probes that failed and began a suspicion of ours.
    pub suspicions: u64,
    /// Verdicts of ours that were not passed because the suspect answered in time.
    pub withdrawn_verdicts: u64,
    /// Verdicts of others that the condemned refuted before we acted on them.
    pub refuted_verdicts: u64,
    /// Times our own timers fired so late that we distrusted our verdicts.
    pub late_wakeups: u64,
    /// Members on our watch that missed their heartbeats.
    pub quiet: u64,
    /// Of these, those whose node did not answer either.
    pub quiet_confirmed: u64,
    /// And those whose node did.
    pub quiet_denied: u64,
    /// Times our own timers fired so late that we started to count heartbeats anew.
    pub watch_discarded: u64,
    /// Requests for our heartbeats that came when we had enough watchers.
    pub watchers_refused: u64,
    /// Times the others declared us down and we joined again.
    pub rejoins: u64,
    /// Times we met a claim to our node's name that outranked ours: a clock that went back, or two speakers on one
    /// node.
    pub identity_conflicts: u64,
    dropped: [u64; DropReason::ALL.len()],
}

impl Counters {
    /// Datagrams dropped for one reason.
    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.dropped.get(reason as usize).copied().unwrap_or(0)
    }

    /// Datagrams dropped for any reason.
    pub fn dropped_total(&self) -> u64 {
        self.dropped.iter().sum()
    }

    pub(crate) fn drop(&mut self, reason: DropReason) {
        if let Some(count) = self.dropped.get_mut(reason as usize) {
            *count += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_reason_has_its_own_place_and_label() {
        let mut counters = Counters::default();
        for reason in DropReason::ALL {
            counters.drop(reason);
        }
        assert!(DropReason::ALL.iter().all(|r| counters.dropped(*r) == 1));
        let labels: BTreeSet<_> = DropReason::ALL.iter().map(|r| r.label()).collect();
        assert_eq!(labels.len(), DropReason::ALL.len());
    }
}
