//! The outbound table of one peer, its adj-rib-out (RFC 4271 §3.2): what it is to have, and what it has been sent.
//!
//! ```text
//!  set(prefix, attributes) ─► routes: desired ≠ sent? ─► withdrawals        ┐
//!                                                     └► groups, one per    ├► next(): one message at a time
//!                                                        attributes         │
//!  up(), refresh(family) ───► everything again ──────────► End-of-RIB, EoRR ┘
//! ```
//!
//! Nothing is written before the peer can take it: a slow peer costs the memory of its differences, however often they
//! change, and holds up nobody. A change costs the same among ten prefixes and among ten thousand. Withdrawals go
//! first: a wrong route is worse than a missing one. Groups take turns, so that none waits for another that never ends.

mod group;
mod route;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::iter::Peekable;
use std::sync::Arc;

use crate::attributes::Attributes;
use crate::value::{Family, Prefix};
use group::{Gathering, Groups};
use route::Route;

/// Writes messages; the table says which.
pub trait Encode {
    /// Why a route can't be written.
    type Error;

    /// One UPDATE that withdraws as many of `prefixes` as fit, at least one.
    fn withdraw(&mut self, family: Family, prefixes: &mut Peekable<impl Iterator<Item = Prefix>>);

    /// One UPDATE that announces as many of `prefixes` as fit, at least one.
    ///
    /// # Errors
    /// When not even one fits, or the family has no next hop. Then nothing was written.
    fn announce(
        &mut self,
        family: Family,
        attributes: &Attributes,
        prefixes: &mut Peekable<impl Iterator<Item = Prefix>>,
    ) -> Result<(), Self::Error>;

    /// The End-of-RIB marker (RFC 4724 §2).
    fn end_of_rib(&mut self, family: Family);

    /// All routes of the family follow again (BoRR, RFC 7313).
    fn begin_refresh(&mut self, family: Family);

    /// Those were all (EoRR, RFC 7313).
    fn end_refresh(&mut self, family: Family);
}

/// What [`AdjRibOut::next`] has done.
#[derive(Debug, PartialEq, Eq)]
pub enum Next<E> {
    /// A message was written.
    Written,
    /// These routes can't be written, and count as not wanted until they are set again.
    Unsendable {
        /// Which.
        prefixes: Vec<Prefix>,
        /// Why.
        error: E,
    },
    /// The peer has been sent all that it is to have.
    Nothing,
}

/// The outbound table of one peer.
#[derive(Clone, Debug, Default)]
pub struct AdjRibOut {
    routes: BTreeMap<Prefix, Route>,
    withdrawals: BTreeSet<Prefix>,
    groups: Groups,
    /// How far the families are that everything is sent of, while a session is up.
    families: BTreeMap<Family, Sweep>,
    /// How many prefixes of each family the peer has.
    sent: BTreeMap<Family, usize>,
    /// How many prefixes it is to have.
    desired: usize,
    enhanced_refresh: bool,
    /// Markers to be written before anything is announced.
    markers: VecDeque<Marker>,
}

/// Sending everything of a family, at the start of a session or because the peer has asked for it.
#[derive(Clone, Copy, Debug, Default)]
struct Sweep {
    /// How many routes are still to be sent.
    left: usize,
    /// What to write when none is.
    end: Option<Marker>,
    /// The peer has asked once more meanwhile.
    again: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Marker {
    EndOfRib(Family),
    BeginRefresh(Family),
    EndRefresh(Family),
    /// Of a refresh without markers.
    Quiet,
}

/// A prefix that was announced just now.
#[derive(Clone, Copy, Debug, Default)]
struct Announced {
    /// The peer did not have it.
    is_new: bool,
    /// Something waits for its being sent.
    was_swept: bool,
}

impl AdjRibOut {
    /// The peer is to have `prefix` with these attributes, or not at all.
    pub fn set(&mut self, prefix: Prefix, attributes: Option<Arc<Attributes>>) {
        let route = self.routes.entry(prefix).or_default();
        if attributes.is_some() && route.desired == attributes {
            return;
        }
        self.groups.remove(prefix, route.waits.take());
        self.desired += usize::from(attributes.is_some());
        self.desired -= usize::from(route.desired.is_some());
        route.desired = attributes;
        self.settle(prefix);
    }

    /// A session is up: the peer has nothing, and is to have everything of these families, with an End-of-RIB marker after
    /// all that is known now. `enhanced_refresh`: it knows BoRR and EoRR.
    pub fn up(&mut self, families: impl IntoIterator<Item = Family>, enhanced_refresh: bool) {
        self.down();
        self.enhanced_refresh = enhanced_refresh;
        for family in families {
            self.families.insert(family, Sweep::default());
            self.sweep(family, Marker::EndOfRib(family));
        }
    }

    /// The session is gone and with it all that the peer was sent.
    pub fn down(&mut self) {
        self.families.clear();
        self.sent.clear();
        self.markers.clear();
        self.withdrawals.clear();
        self.groups = Groups::default();
        self.routes.retain(|_, route| {
            *route = Route { desired: route.desired.take(), ..Route::default() };
            route.desired.is_some()
        });
    }

    /// The peer wants all routes of the family again (RFC 2918). While the last such wish is being fulfilled, further ones
    /// are one.
    pub fn refresh(&mut self, family: Family) {
        let Some(sweep) = self.families.get_mut(&family) else { return };
        if sweep.end.is_some() {
            sweep.again = true;
            return;
        }
        if self.markers.contains(&Marker::BeginRefresh(family)) {
            return; // of an empty family, and not written yet
        }
        if self.enhanced_refresh {
            self.markers.push_back(Marker::BeginRefresh(family));
            self.sweep(family, Marker::EndRefresh(family));
        } else {
            self.sweep(family, Marker::Quiet);
        }
    }

    /// Writes the next message, if there is one to write.
    pub fn next<E: Encode>(&mut self, encode: &mut E) -> Next<E::Error> {
        if let Some(family) = self.withdrawals.first().map(|prefix| prefix.family()) {
            self.withdraw(family, encode);
            return Next::Written;
        }
        if let Some(marker) = self.markers.pop_front() {
            self.mark(marker, encode);
            return Next::Written;
        }
        let Some((family, attributes, waiting)) = self.groups.take() else { return Next::Nothing };
        let mut prefixes = waiting.iter().copied().peekable();
        let result = encode.announce(family, &attributes, &mut prefixes);
        let rest = prefixes.peek().copied();
        match result {
            Ok(()) => {
                let (written, rest) = divide(waiting, rest);
                let (mut new, mut swept) = (0, 0);
                for prefix in written {
                    let announced = self.announced(prefix, &attributes);
                    new += usize::from(announced.is_new);
                    swept += usize::from(announced.was_swept);
                }
                self.count(family, |sent| sent.saturating_add(new));
                self.groups.put_back(family, attributes, rest);
                // Only now: what follows may be that everything is to be sent once more.
                self.less(family, swept);
                Next::Written
            }
            Err(error) => {
                for prefix in &waiting {
                    self.give_up(*prefix);
                }
                Next::Unsendable { prefixes: waiting.into_iter().collect(), error }
            }
        }
    }

    /// Whether the peer has been sent all that it is to have.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.markers.is_empty() && self.withdrawals.is_empty() && self.groups.is_empty()
    }

    /// Whether the peer has been sent `prefix`, as it is to have it or as it was before.
    #[must_use]
    pub fn has(&self, prefix: Prefix) -> bool {
        self.routes.get(&prefix).is_some_and(|route| route.sent.is_some())
    }

    /// How many prefixes of the family the peer has been sent.
    #[must_use]
    pub fn sent(&self, family: Family) -> usize {
        self.sent.get(&family).copied().unwrap_or_default()
    }

    /// How many prefixes the peer is to have, of all families, spoken or not.
    #[must_use]
    pub fn desired(&self) -> usize {
        self.desired
    }

    /// Finds out what is to be done about a route.
    fn settle(&mut self, prefix: Prefix) {
        let family = prefix.family();
        let spoken = self.families.contains_key(&family);
        let Some(route) = self.routes.get_mut(&prefix) else { return };
        match &route.desired {
            Some(desired) if spoken => {
                self.withdrawals.remove(&prefix);
                if route.swept || route.sent.as_ref() != Some(desired) {
                    route.waits = Some(Arc::clone(desired));
                    self.groups.add(prefix, desired);
                }
            }
            Some(_) => {}
            // What waits for it waits for the withdrawal: it may be wanted again before that is written.
            None if route.sent.is_some() => {
                self.withdrawals.insert(prefix);
            }
            None => {
                let was_swept = route.swept;
                self.routes.remove(&prefix);
                self.less(family, usize::from(was_swept));
            }
        }
    }

    /// Everything of the family is to be sent, and then `end`.
    fn sweep(&mut self, family: Family, end: Marker) {
        let mut left = 0;
        let mut more = Gathering::default();
        for (prefix, route) in self.routes.iter_mut().filter(|(prefix, _)| prefix.family() == family) {
            // Also what waits to be withdrawn: it may be wanted again before that is written.
            left += 1;
            route.swept = true;
            if let (None, Some(desired)) = (&route.waits, &route.desired) {
                more.add(*prefix, desired);
                route.waits = Some(Arc::clone(desired));
            }
        }
        self.groups.extend(family, more);
        self.families.insert(family, Sweep { left, end: Some(end), again: false });
        if left == 0 {
            self.swept(family);
        }
    }

    /// So many routes less are to be sent of everything.
    fn less(&mut self, family: Family, routes: usize) {
        let Some(sweep) = self.families.get_mut(&family).filter(|_| routes > 0) else { return };
        sweep.left = sweep.left.saturating_sub(routes);
        if sweep.left == 0 {
            self.swept(family);
        }
    }

    fn swept(&mut self, family: Family) {
        let Some(sweep) = self.families.get_mut(&family) else { return };
        let end = sweep.end.take();
        let again = std::mem::take(&mut sweep.again);
        self.markers.extend(end.filter(|end| *end != Marker::Quiet));
        if again {
            self.refresh(family);
        }
    }

    fn mark<E: Encode>(&mut self, marker: Marker, encode: &mut E) {
        match marker {
            Marker::EndOfRib(family) => encode.end_of_rib(family),
            Marker::BeginRefresh(family) => encode.begin_refresh(family),
            Marker::EndRefresh(family) => encode.end_refresh(family),
            Marker::Quiet => {}
        }
    }

    fn withdraw<E: Encode>(&mut self, family: Family, encode: &mut E) {
        let waiting = std::mem::take(&mut self.withdrawals);
        // IPv4 sorts before IPv6.
        let mut prefixes = waiting.iter().copied().take_while(|prefix| prefix.family() == family).peekable();
        encode.withdraw(family, &mut prefixes);
        let rest = prefixes.peek().copied();
        let first_of_next = || waiting.iter().copied().find(|prefix| prefix.family() != family);
        let rest = rest.or_else(first_of_next);
        let (written, rest) = divide(waiting, rest);
        self.withdrawals = rest;
        self.count(family, |sent| sent.saturating_sub(written.len()));
        // (Who is desired again does not wait to be withdrawn.)
        let gone = written.iter().filter_map(|prefix| self.routes.remove(prefix));
        let swept = gone.filter(|route| route.swept).count();
        self.less(family, swept);
    }

    fn announced(&mut self, prefix: Prefix, attributes: &Arc<Attributes>) -> Announced {
        let Some(route) = self.routes.get_mut(&prefix) else { return Announced::default() };
        route.waits = None;
        let is_new = route.sent.replace(Arc::clone(attributes)).is_none();
        Announced { is_new, was_swept: std::mem::take(&mut route.swept) }
    }

    /// A route that can't be written: what the peer may have of it is not what it is to have.
    fn give_up(&mut self, prefix: Prefix) {
        if let Some(route) = self.routes.get_mut(&prefix) {
            route.waits = None;
        }
        self.set(prefix, None);
    }

    fn count(&mut self, family: Family, change: impl FnOnce(usize) -> usize) {
        let sent = self.sent.entry(family).or_default();
        *sent = change(*sent);
    }
}

/// Those before `rest`, and those from it on.
fn divide(mut all: BTreeSet<Prefix>, rest: Option<Prefix>) -> (BTreeSet<Prefix>, BTreeSet<Prefix>) {
    match rest {
        Some(first) => {
            let rest = all.split_off(&first);
            (all, rest)
        }
        None => (all, BTreeSet::new()),
    }
}
