//! Whose view of the cluster counts as fresh.
//!
//! A speaker whose watches don't work is no candidate while another one is current. But an outage of the API server is
//! noticed by each speaker at another moment, and so is its end; acting on that at once would move addresses back and
//! forth although all see the same. So only what has lasted for [`GRACE`] counts, both ways:
//!
//! | has been | for less than the grace | for longer |
//! | --- | --- | --- |
//! | current | nobody is left out because of it | others that are stale for longer are no candidates |
//! | stale | still a candidate | no candidate, unless nobody is current for longer |
//!
//! Who was stale already when it was first heard of (this speaker has just started) is left out from the beginning, but for
//! what it says that it owns: the others, who have known it for longer, may still count on it. That lasts for the grace, too,
//! and not longer than it says so: then they do no more. So whether somebody who has just started leaves it out agrees with
//! the others about each address, whether the stale one had that already or has got it since.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How long a speaker must have been stale, and another one current, before it matters.
const GRACE: Duration = Duration::from_secs(15);

/// The views of all live speakers, this node's own among them.
#[derive(Debug, Default)]
pub(super) struct Views {
    views: BTreeMap<Arc<str>, View>,
    /// Those that are left out, and whether they count for what they own.
    stale: Vec<(Arc<str>, bool)>,
}

#[derive(Clone, Copy, Debug)]
struct View {
    current: bool,
    /// Since when; `None`: it was so when it was first heard of.
    since: Option<Duration>,
    /// When it was first heard of.
    met: Duration,
}

impl View {
    fn lasts(self, now: Duration) -> bool {
        self.since.is_none_or(|since| now >= since + GRACE)
    }

    /// It was stale when it was first heard of, and that is not long ago.
    fn is_new(self, now: Duration) -> bool {
        !self.current && self.since.is_none() && now < self.met + GRACE
    }
}

impl Views {
    /// These are all live speakers, and whether each says that it is current. True if others are left out than before.
    pub(super) fn update(&mut self, all: impl Iterator<Item = (Arc<str>, bool)>, now: Duration) -> bool {
        let mut before = std::mem::take(&mut self.views);
        for (name, current) in all {
            let view = match before.remove(&name) {
                Some(view) if view.current == current => view,
                Some(view) => View { current, since: Some(now), ..view },
                None => View { current, since: None, met: now },
            };
            self.views.insert(name, view);
        }
        let somebody = self.views.values().any(|view| view.current && view.lasts(now));
        let left_out = |view: &View| somebody && !view.current && view.lasts(now);
        let left_out = self.views.iter().filter(|(_, view)| left_out(view));
        let stale = left_out.map(|(name, view)| (name.clone(), view.is_new(now))).collect();
        let changed = stale != self.stale;
        self.stale = stale;
        changed
    }

    /// Whether a speaker may be a candidate.
    pub(super) fn counts(&self, name: &str) -> bool {
        self.stale.iter().all(|(stale, _)| **stale != *name)
    }

    /// Whether a speaker that is left out may be a candidate for what it says that it owns.
    pub(super) fn counts_for_its_own(&self, name: &str) -> bool {
        self.stale.iter().any(|(stale, is_new)| **stale == *name && *is_new)
    }

    /// When time alone may change something.
    pub(super) fn deadline(&self, now: Duration) -> Option<Duration> {
        let begins = |view: &View| view.since.or(Some(view.met).filter(|_| !view.current));
        let ends = self.views.values().filter_map(|view| Some(begins(view)? + GRACE));
        ends.filter(|end| *end > now).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(views: &mut Views, seconds: u64, all: &[(&str, bool)]) -> Vec<String> {
        let all = all.iter().map(|(name, current)| (Arc::from(*name), *current));
        views.update(all, Duration::from_secs(seconds));
        views.stale.iter().map(|(name, _)| name.to_string()).collect()
    }

    /// "new" has just started. The others do not leave out "a" yet, whose watches have broken.
    #[test]
    fn who_is_met_stale_counts_for_its_own_within_the_grace() {
        let mut views = Views::default();
        let mut at = |seconds: u64, current: bool| {
            at(&mut views, seconds, &[("new", true), ("b", true), ("a", current)]);
            (views.counts("a"), views.counts_for_its_own("a"), views.deadline(Duration::from_secs(seconds)))
        };
        let end = Some(Duration::from_secs(16));
        assert_eq!(at(1, false), (false, true, end));
        assert_eq!(at(15, false), (false, true, end));
        assert_eq!(at(16, false), (false, false, None));
        assert_eq!(at(17, true), (true, false, Some(Duration::from_secs(32))));
        // From now on it is known as well as by the others.
        assert_eq!(at(40, false), (true, false, Some(Duration::from_secs(55))));
        assert_eq!(at(55, false), (false, false, None));
    }

    #[test]
    fn an_outage_that_all_see_leaves_nobody_out() {
        let mut views = Views::default();
        let nobody = Vec::<String>::new();
        assert_eq!(at(&mut views, 0, &[("a", true), ("b", true)]), nobody);
        // One after the other, for a minute, and back one after the other.
        for (second, a, b) in [
            (10, false, true),
            (13, false, false),
            (25, false, false),
            (26, false, false),
            (70, false, true),
            (74, true, true),
            (85, true, true),
            (90, true, true),
        ] {
            assert_eq!(at(&mut views, second, &[("a", a), ("b", b)]), nobody, "{second} s");
        }
    }

    #[test]
    fn who_alone_is_blind_is_left_out_after_the_grace() {
        let mut views = Views::default();
        at(&mut views, 0, &[("a", true), ("b", true)]);
        assert!(at(&mut views, 10, &[("a", false), ("b", true)]).is_empty());
        assert_eq!(views.deadline(Duration::from_secs(10)), Some(Duration::from_secs(25)));
        assert_eq!(at(&mut views, 25, &[("a", false), ("b", true)]), ["a"]);
        assert!(!views.counts("a") && views.counts("b"));
        assert!(at(&mut views, 26, &[("a", true), ("b", true)]).is_empty(), "at once when it sees again");
    }

    #[test]
    fn who_starts_without_a_view_is_left_out_at_once() {
        let mut views = Views::default();
        assert_eq!(at(&mut views, 0, &[("a", true), ("new", false)]), ["new"]);
        assert!(at(&mut views, 1, &[("new", false)]).is_empty(), "unless there is nobody else");
    }
}
