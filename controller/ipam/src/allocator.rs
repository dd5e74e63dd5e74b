//! The allocator: what each Service shows, what it should show, and every address in between.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use herald_compiler::{Config, Family};

use crate::choose::{Leaving, Order};
use crate::claim::Claims;
use crate::pool::{PoolSpace, admits};
use crate::shared_terms::SharedTerms;
use crate::wait::Waits;
use crate::{
    Cause, Decision, FamilyPolicy, Holding, InvalidWish, Refusal, Remark, ServiceKey, ServiceRequest, SharingConflict,
    Terms, Wish,
};

mod ledger;
mod reallocate;
mod report;
mod settled;
#[cfg(test)]
mod tests;

/// Who has which address, and the rules of giving and keeping. See the [crate](crate) for its life.
#[derive(Debug, Default)]
pub struct Allocator {
    pub(crate) config: Arc<Config>,
    pub(crate) spaces: BTreeMap<Arc<str>, PoolSpace>,
    pub(crate) order: Order,
    pub(crate) claims: Claims,
    /// Looked up and never walked through, so that a decision costs the same among any number.
    records: HashMap<ServiceKey, Record>,
    terms: SharedTerms,
    waits: Waits,
    /// Terms on which nothing is shared.
    alone: Arc<Terms>,
    /// Addresses that some have who may not have them beside each other.
    duplicates: BTreeSet<IpAddr>,
    /// Services to decide again because others have their address, or no longer.
    disturbed: BTreeSet<ServiceKey>,
}

/// What is known about one Service. It claims every address that it shows or should show.
#[derive(Clone, Debug)]
struct Record {
    terms: Arc<Terms>,
    /// The terms at the last decision.
    decided_terms: Arc<Terms>,
    /// It has shown other addresses since the last decision.
    news: bool,
    /// The addresses in its status when it was last seen.
    shown: Vec<IpAddr>,
    /// The pool that its addresses came from.
    pool: Option<Arc<str>>,
    /// What was decided; `None` before the first decision.
    target: Option<Target>,
    /// It is served by somebody else; see [`Allocator::adopt_foreign`].
    foreign: bool,
}

/// What a Service should show.
#[derive(Clone, Debug)]
struct Target {
    /// Empty if it can have nothing.
    addresses: Vec<IpAddr>,
    /// Why it differs from what was shown when it was decided; `None` once it is shown.
    cause: Option<Box<Cause>>,
}

impl Record {
    fn claimed(&self) -> Vec<IpAddr> {
        let mut all = self.shown.clone();
        all.extend(self.target.iter().flat_map(|target| &target.addresses));
        all.sort_unstable();
        all.dedup();
        all
    }
}

impl Allocator {
    /// An allocator without pools and Services.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces the pools. No Service loses or changes an address by that. Returns the Services to
    /// decide again: all that wait, first come first, and those whose pool is another one now.
    pub fn set_config(&mut self, config: Arc<Config>) -> Vec<ServiceKey> {
        if *config == *self.config {
            return Vec::new();
        }
        self.config = config;
        self.order = Order::of(&self.config);
        self.spaces = self.config.pools().iter().map(PoolSpace::new).map(|space| (space.name.clone(), space)).collect();
        let mut again: Vec<_> = self.waits.all().cloned().collect();
        let used: Vec<_> = self.claims.addresses().collect();
        for address in used {
            if let Some(space) = self.handing_out(address) {
                space.occupy(address);
            }
            let before = self.claims.home(address).cloned();
            self.claims.set_home(address, None);
            self.settle_home(address);
            if self.claims.home(address) != before.as_ref() {
                again.extend(self.claims.holders(address).cloned());
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        again.retain(|key| seen.insert(key.clone()));
        again
    }

    /// Notes what a Service shows without deciding anything. Before the first decision this must
    /// have been said of every Service, including those that are served by somebody else, or an
    /// address in use would look free; and from then on whenever one changes.
    pub fn adopt(&mut self, request: &ServiceRequest) {
        if self.records.get(&request.key).is_some_and(|record| record.foreign) {
            self.release(&request.key);
        }
        self.observe(request);
    }

    /// Notes what a Service shows that is served by somebody else: it is in use, and not shared with anybody.
    pub fn adopt_foreign(&mut self, key: &ServiceKey, shown: &[IpAddr]) {
        self.release(key);
        let terms = Arc::new(Terms::default());
        let record = Record {
            decided_terms: terms.clone(),
            terms,
            news: false,
            shown: shown.to_vec(),
            pool: None,
            target: None,
            foreign: true,
        };
        self.reclaim(key, &[], record);
    }

    /// The Service is gone, or no longer wants an address and shows none. Its addresses are free.
    pub fn release(&mut self, key: &ServiceKey) {
        self.waits.end(key);
        if let Some(record) = self.records.remove(key) {
            for address in record.claimed() {
                self.unclaim(address, key);
            }
        }
    }

    /// Services to decide again because of what happened since the last call to others: those that waited for
    /// something which has become free (they wait on until they are decided), and those whose address came to
    /// be a duplicate, or is one no longer.
    #[must_use]
    pub fn take_woken(&mut self) -> Vec<ServiceKey> {
        let mut woken = self.waits.take_woken();
        woken.extend(std::mem::take(&mut self.disturbed));
        woken
    }

    /// Decides what a Service should show, and remembers it. Deciding again without a change in
    /// between gives the same answer.
    pub fn decide(&mut self, request: &ServiceRequest) -> Decision {
        self.observe(request);
        let (mut addresses, mut cause) = self.standing(request);
        let was_lawful = self.was_lawful(&request.key);
        let mut remarks = Vec::new();
        let mut unlawful = false;

        if let Some(refusal) = cannot_have_any(request) {
            return self.pend(request, refusal, Cause::OtherFamilies);
        }
        if let Some(conflict) = self.conflict(&request.key, &request.terms, &addresses) {
            if !request.shown.contains(&conflict.address()) {
                // Somebody else was faster to show what was meant for this one.
                addresses.clear();
            } else if was_lawful {
                addresses.clear();
                cause = Some(Cause::Sharing(conflict));
            } else {
                unlawful = true;
            }
        }
        let wish = match understood(request) {
            Ok(wish) => Some(wish),
            Err(invalid) if addresses.is_empty() => {
                return self.pend(request, Refusal::Invalid(invalid), cause.unwrap_or(Cause::OtherAddresses));
            }
            Err(invalid) => {
                remarks.push(Remark::InvalidWish(invalid));
                None
            }
        };
        if let Some(why) = wish.and_then(|wish| self.moves(&request.key, wish, &addresses)) {
            addresses.clear();
            cause = Some(why);
        }
        let wanted = first_of_each(&addresses, &request.families);
        if wanted != addresses {
            addresses = wanted;
            cause = Some(Cause::OtherFamilies);
        }
        if let Err(refusal) = self.complete(request, wish, &mut addresses, &mut cause) {
            if request.policy == FamilyPolicy::PreferDualStack {
                remarks.push(Remark::NoSecondFamily(refusal));
            } else {
                addresses.clear();
                cause = Some(Cause::OtherFamilies);
            }
        }
        let mut chosen_pool = None;
        if addresses.is_empty() {
            let choice = understood(request).map_err(Refusal::Invalid);
            let choice = choice.and_then(|wish| self.choose(request, wish, Leaving::default()));
            match choice {
                Ok(choice) => {
                    addresses = choice.addresses;
                    cause = cause.or(Some(Cause::New));
                    remarks.extend(choice.no_second.map(Remark::NoSecondFamily));
                    chosen_pool = Some(choice.pool);
                }
                Err(refusal) => return self.pend(request, refusal, cause.unwrap_or(Cause::OtherAddresses)),
            }
        }
        if unlawful {
            // Of what it keeps; what it moves away from is no duplicate of its own any more.
            remarks.extend(self.duplicate(request, &addresses).map(Remark::Duplicate));
        }
        let pool = chosen_pool.or_else(|| self.pool_to_record(&request.key, wish, &addresses));
        self.hold(request, Holding { addresses, pool }, cause.unwrap_or(Cause::Restored), remarks)
    }

    /// Records terms, shown addresses and pool of a Service, and claims what it shows.
    fn observe(&mut self, request: &ServiceRequest) {
        let key = &request.key;
        let mut known = BTreeSet::new();
        let shown: Vec<_> = request.shown.iter().copied().filter(|address| known.insert(*address)).collect();
        let Some(mut record) = self.records.get(key).cloned() else {
            let (terms, pool) = (self.terms.share(&request.terms), self.pool_name(request));
            let decided_terms = terms.clone();
            let record = Record { decided_terms, terms, news: false, shown, pool, target: None, foreign: false };
            self.reclaim(key, &[], record);
            return;
        };
        let claimed = record.claimed();
        record.news |= record.shown != shown;
        record.shown = shown;
        if let Some(target) = record.target.as_mut().filter(|target| same_set(&target.addresses, &record.shown)) {
            target.cause = None;
        }
        // What the Service says about its pool counts until we know better, which is from the first decision on.
        record.pool = match &record.target {
            None => self.pool_name(request),
            Some(_) => record.pool.or_else(|| request.recorded_pool.clone()),
        };
        let other_terms = *record.terms != request.terms;
        if other_terms {
            record.terms = self.terms.share(&request.terms);
        }
        self.reclaim(key, &claimed, record);
        if other_terms {
            // Ports or a key may have become free for others on addresses that stay.
            for address in claimed {
                self.wake(address, &key.namespace);
            }
        }
    }

    /// The addresses that the Service has as things stand, and why it may not show them yet.
    fn standing(&self, request: &ServiceRequest) -> (Vec<IpAddr>, Option<Cause>) {
        let Some(record) = self.records.get(&request.key) else { return (Vec::new(), None) };
        let shown = &record.shown;
        match &record.target {
            None => (shown.clone(), None),
            Some(target) if same_set(&target.addresses, shown) => (shown.clone(), None),
            // What every other allocator would leave alone is not moved by what this one remembers: a wish may
            // have been taken back before it was granted.
            Some(_) if self.is_settled(request) => (shown.clone(), None),
            // Somebody else wrote other addresses. What is shown is what the network and other
            // controllers go by, so it counts if it may. A part of what it has is a loss.
            Some(target)
                if record.news
                    && !shown.iter().all(|address| target.addresses.contains(address))
                    && self.acceptable(request, shown) =>
            {
                (shown.clone(), None)
            }
            // Not written yet, or the status lost it.
            Some(target) => {
                (target.addresses.clone(), Some(target.cause.as_deref().cloned().unwrap_or(Cause::Restored)))
            }
        }
    }

    /// Whether, on the terms of the last decision, what was decided is the Service's by the rules.
    fn was_lawful(&self, key: &ServiceKey) -> bool {
        let Some(record) = self.records.get(key) else { return false };
        let decided = record.target.as_ref();
        decided.is_some_and(|target| self.conflict(key, &record.decided_terms, &target.addresses).is_none())
    }

    /// Whether addresses that somebody else wrote into the status may stay there.
    fn acceptable(&self, request: &ServiceRequest, addresses: &[IpAddr]) -> bool {
        addresses.iter().all(|address| {
            self.config
                .pool_of(*address)
                .is_some_and(|pool| pool.may_hand_out(*address) && admits(pool, request).is_ok())
                && self.claims.may_have(*address, &request.key, &request.terms).is_ok()
        })
    }

    /// Why the Service's own wish moves it away from `addresses`, if it does.
    fn moves(&self, key: &ServiceKey, wish: &Wish, addresses: &[IpAddr]) -> Option<Cause> {
        if addresses.is_empty() {
            return None;
        }
        if !wish.addresses.is_empty() && !same_set(&wish.addresses, addresses) {
            return Some(Cause::OtherAddresses);
        }
        let wanted = wish.pool.as_deref()?;
        // A wish is new if it differs from where the addresses came from. If it doesn't, or if that
        // is unknown, an edit of the pools may have taken the addresses out of the wanted one, and
        // edits of pools move nothing.
        let came_from = self.records.get(key)?.pool.as_deref()?;
        let listed =
            || self.config.pool(wanted).is_some_and(|pool| addresses.iter().all(|address| pool.lists(*address)));
        (came_from != wanted && !listed()).then_some(Cause::OtherPool)
    }

    /// Adds an address of the family that is missing, from the pool of the one that is there.
    fn complete(
        &self,
        request: &ServiceRequest,
        wish: Option<&Wish>,
        addresses: &mut Vec<IpAddr>,
        cause: &mut Option<Cause>,
    ) -> Result<(), Refusal> {
        let missing = |family: &&Family| addresses.iter().all(|address| Family::of(*address) != **family);
        let (Some(present), Some(missing)) = (addresses.first(), request.families.iter().find(missing)) else {
            return Ok(());
        };
        if wish.is_none_or(|wish| !wish.addresses.is_empty()) {
            return Ok(());
        }
        let recorded = self.pool_to_record(&request.key, wish, addresses);
        let Some(pool) = self.config.home_of(*present, recorded.as_deref()).pool() else {
            return Err(Refusal::NoneAvailable(Vec::new()));
        };
        let address = self.second(request, pool, *missing)?;
        addresses.push(address);
        cause.get_or_insert(Cause::AdditionalFamily(address));
        Ok(())
    }

    /// The pool to record for addresses that the Service keeps.
    fn pool_to_record(&self, key: &ServiceKey, wish: Option<&Wish>, addresses: &[IpAddr]) -> Option<Arc<str>> {
        let recorded = self.records.get(key).and_then(|record| record.pool.clone());
        if let Some(wanted) = wish.and_then(|wish| wish.pool.as_deref()) {
            // As long as the record equals the wish, no edit of the pools can look like a new wish.
            let came_from = recorded.as_deref();
            let lists = |address: &IpAddr| self.config.pool(wanted).is_some_and(|pool| pool.lists(*address));
            if came_from.is_none_or(|name| name == wanted) || addresses.iter().all(lists) {
                return Some(wanted.into());
            }
        }
        let home = self.config.home_of(*addresses.first()?, recorded.as_deref());
        home.pool().map(|pool| pool.name.as_str().into()).or(recorded)
    }

    /// Decides that the Service has `holding`.
    fn hold(&mut self, request: &ServiceRequest, mut holding: Holding, cause: Cause, remarks: Vec<Remark>) -> Decision {
        let key = &request.key;
        let shown = self.records.get(key).map(|record| record.shown.clone()).unwrap_or_default();
        let keeps = same_set(&shown, &holding.addresses);
        if keeps {
            // The order that is shown stays: the first address elects the node.
            holding.addresses = shown;
        }
        self.change(key, |record| {
            let cause = (!keeps).then(|| Box::new(cause.clone()));
            record.target = Some(Target { addresses: holding.addresses.clone(), cause });
            record.pool.clone_from(&holding.pool);
        });
        let lacks = remarks.iter().find_map(|remark| match remark {
            Remark::NoSecondFamily(refusal) => Some(refusal),
            _ => None,
        });
        match lacks {
            Some(refusal) => self.waits.begin(key, refusal),
            None => self.waits.end(key),
        }
        if keeps { Decision::Keep { holding, remarks } } else { Decision::Assign { holding, cause, remarks } }
    }

    /// Decides that the Service has nothing and waits.
    fn pend(&mut self, request: &ServiceRequest, refusal: Refusal, cause: Cause) -> Decision {
        let key = &request.key;
        let cleared = (!request.shown.is_empty()).then_some(cause);
        self.change(key, |record| {
            record.target = Some(Target { addresses: Vec::new(), cause: cleared.clone().map(Box::new) });
            if record.shown.is_empty() {
                record.pool = None;
            }
        });
        self.waits.begin(key, &refusal);
        Decision::Pending { refusal, cleared }
    }

    fn conflict(&self, key: &ServiceKey, terms: &Terms, addresses: &[IpAddr]) -> Option<SharingConflict> {
        addresses.iter().find_map(|address| self.claims.may_have(*address, key, terms).err())
    }

    /// The same with a Service that is not about to leave the address.
    fn duplicate(&self, request: &ServiceRequest, addresses: &[IpAddr]) -> Option<SharingConflict> {
        addresses.iter().find_map(|address| {
            let stays = |holder: &ServiceKey| {
                let decided = self.records.get(holder).and_then(|record| record.target.as_ref());
                decided.is_none_or(|target| target.addresses.contains(address))
            };
            self.claims.may_have_beside(*address, &request.key, &request.terms, stays).err()
        })
    }
}

/// Why the Service can have no address at all, whatever the pools are like.
fn cannot_have_any(request: &ServiceRequest) -> Option<Refusal> {
    match (request.families.len(), request.policy) {
        (0, _) => Some(Refusal::NoClusterIp),
        (1, FamilyPolicy::RequireDualStack) => Some(Refusal::NotDualStack(request.families.clone())),
        _ => None,
    }
}

/// The Service's wish, if it can be understood and fits the Service.
fn understood(request: &ServiceRequest) -> Result<&Wish, InvalidWish> {
    let wish = request.wish.as_ref().map_err(InvalidWish::clone)?;
    wish.fits(&request.families)?;
    Ok(wish)
}

/// The first address of each of `families`, in the order of `addresses`.
fn first_of_each(addresses: &[IpAddr], families: &[Family]) -> Vec<IpAddr> {
    let mut wanted: Vec<IpAddr> = Vec::with_capacity(2);
    for address in addresses {
        let family = Family::of(*address);
        if families.contains(&family) && wanted.iter().all(|other| Family::of(*other) != family) {
            wanted.push(*address);
        }
    }
    wanted
}

fn same_set(one: &[IpAddr], other: &[IpAddr]) -> bool {
    one.len() == other.len() && one.iter().all(|address| other.contains(address))
}
