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
//! Who was stale already when it was first heard of (this speaker has just started) gets the grace while it owns
//! something: the others, who have known it for longer, may still count on it. When they do no more, it gives up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How long a speaker must have been stale, and another one current, before it matters.
const GRACE: Duration = Duration::from_secs(15);

/// The views of all live speakers, this node's own among them.
#[derive(Debug, Default)]
pub(super) struct Views {
    views: BTreeMap<Arc<str>, View>,
    /// Those that are left out.
    stale: Vec<Arc<str>>,
}

#[derive(Clone, Copy, Debug)]
struct View {
    current: bool,
    /// Since when; `None`: it was so when it was first heard of.
    since: Option<Duration>,
    /// It was stale when it was first heard of, and has the grace while it owns something.
    met: bool,
}

impl View {
    fn lasts(self, now: Duration) -> bool {
        self.since.is_none_or(|since| now >= since + GRACE)
    }
}

impl Views {
    /// These are all live speakers, whether each says that it is current, and whether it owns something. True if others
    /// are left out than before.
    pub(super) fn update(&mut self, all: impl Iterator<Item = (Arc<str>, bool, bool)>, now: Duration) -> bool {
        let mut before = std::mem::take(&mut self.views);
        for (name, current, owns) in all {
            let view = match before.remove(&name) {
                Some(View { current: false, met: true, .. }) if !current && !owns => {
                    View { current, since: None, met: false }
                }
                Some(view) if view.current == current => view,
                Some(_) => View { current, since: Some(now), met: false },
                None if !current && owns => View { current, since: Some(now), met: true },
                None => View { current, since: None, met: false },
            };
            self.views.insert(name, view);
        }
        let somebody = self.views.values().any(|view| view.current && view.lasts(now));
        let left_out = |view: &View| somebody && !view.current && view.lasts(now);
        let stale = self.views.iter().filter(|(_, view)| left_out(view)).map(|(name, _)| name.clone()).collect();
        let changed = stale != self.stale;
        self.stale = stale;
        changed
    }

    /// Whether a speaker may be a candidate.
    pub(super) fn counts(&self, name: &str) -> bool {
        self.stale.iter().all(|stale| **stale != *name)
    }

    /// When time alone may change something.
    pub(super) fn deadline(&self, now: Duration) -> Option<Duration> {
        let ends = self.views.values().filter_map(|view| Some(view.since? + GRACE));
        ends.filter(|end| *end > now).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(views: &mut Views, seconds: u64, all: &[(&str, bool)]) -> Vec<String> {
        let all = all.iter().map(|(name, current)| (Arc::from(*name), *current, false));
        views.update(all, Duration::from_secs(seconds));
        views.stale.iter().map(ToString::to_string).collect()
    }

    /// "new" has just started. The others do not leave out "a" yet, whose watches have broken.
    #[test]
    fn who_is_met_stale_has_the_grace_while_it_owns_something() {
        let mut views = Views::default();
        let mut at = |seconds: u64, owns: bool| {
            let all = [("new", true, false), ("b", true, true), ("a", false, owns)];
            let all = all.map(|(name, current, owns)| (Arc::from(name), current, owns));
            views.update(all.into_iter(), Duration::from_secs(seconds));
            views.counts("a")
        };
        assert!(at(0, true) && at(9, true));
        assert!(!at(10, false), "the others have left it out: it has given up");
        assert!(!at(11, true), "and does not come back while it is stale");
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
