//! The configuration objects, and what they mean together.
//!
//! Watches say what changed; the meaning is worked out when somebody asks for it, so that a
//! hundred changes in a row are compiled once.

use std::collections::BTreeMap;
use std::sync::Arc;

use herald_compiler::verdict::{Kind, Verdict};
use herald_compiler::{Config, Objects, compile, object};
use herald_runtime::watch::Change;

mod seen;
#[cfg(test)]
mod tests;

use seen::Named;
pub use seen::{
    Counters, Seen, SeenAdvertisement, SeenBgpAdvertisement, SeenCommunity, SeenPeer, SeenPool, SeenStatus,
};

/// All configuration objects.
#[derive(Debug, Default)]
pub struct ConfigObjects {
    pools: Known<object::IpAddressPool>,
    l2_advertisements: Known<object::L2Advertisement>,
    bgp_peers: Known<object::BgpPeer>,
    bgp_advertisements: Known<object::BgpAdvertisement>,
    communities: Known<object::Community>,
    bfd_profiles: BTreeMap<String, object::BfdProfile>,
    namespaces: BTreeMap<String, object::Namespace>,
    listed: Listed,
    /// Something changed since the last compilation.
    stale: bool,
    config: Arc<Config>,
    verdicts: BTreeMap<(Kind, String), Verdict>,
}

/// The objects of one kind, by name.
type Known<T> = BTreeMap<String, Seen<T>>;

#[derive(Debug, Default)]
struct Listed {
    pools: bool,
    bgp_peers: bool,
    communities: bool,
    bfd_profiles: bool,
    namespaces: bool,
}

impl ConfigObjects {
    /// Nothing seen yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Something happened to pools.
    pub fn pools(&mut self, change: Change<SeenPool>) {
        self.listed.pools |= matches!(change, Change::Reset(_));
        self.stale |= follow_written(&mut self.pools, change);
    }

    /// Something happened to layer-2 advertisements.
    pub fn l2_advertisements(&mut self, change: Change<SeenAdvertisement>) {
        self.stale |= follow_written(&mut self.l2_advertisements, change);
    }

    /// Something happened to BGP peers.
    pub fn bgp_peers(&mut self, change: Change<SeenPeer>) {
        self.listed.bgp_peers |= matches!(change, Change::Reset(_));
        self.stale |= follow_written(&mut self.bgp_peers, change);
    }

    /// Something happened to BGP advertisements.
    pub fn bgp_advertisements(&mut self, change: Change<SeenBgpAdvertisement>) {
        self.stale |= follow_written(&mut self.bgp_advertisements, change);
    }

    /// Something happened to Community objects.
    pub fn communities(&mut self, change: Change<SeenCommunity>) {
        self.listed.communities |= matches!(change, Change::Reset(_));
        self.stale |= follow_written(&mut self.communities, change);
    }

    /// Something happened to BFD profiles.
    pub fn bfd_profiles(&mut self, change: Change<object::BfdProfile>) {
        self.listed.bfd_profiles |= matches!(change, Change::Reset(_));
        let spec = object::BfdProfile::clone;
        self.stale |= follow(&mut self.bfd_profiles, change, |profile| profile.meta.name.clone(), spec);
    }

    /// Something happened to namespaces.
    pub fn namespaces(&mut self, change: Change<object::Namespace>) {
        self.listed.namespaces |= matches!(change, Change::Reset(_));
        let spec = object::Namespace::clone;
        self.stale |= follow(&mut self.namespaces, change, |namespace| namespace.name.clone(), spec);
    }

    /// What is still to be listed before addresses may be handed out; `None` if nothing.
    /// Advertisements are not waited for: they say nothing about who gets an address.
    #[must_use]
    pub fn missing(&self) -> Option<&'static str> {
        match self.listed {
            Listed { pools: false, .. } => Some("IPAddressPools not listed yet"),
            Listed { namespaces: false, .. } => Some("Namespaces not listed yet"),
            Listed { .. } => None,
        }
    }

    /// Compiles if anything changed. The new configuration, unless it means the same as before.
    pub fn compile(&mut self) -> Option<Arc<Config>> {
        if !std::mem::take(&mut self.stale) {
            return None;
        }
        let objects = Objects {
            pools: written(&self.pools),
            l2_advertisements: written(&self.l2_advertisements),
            bgp_peers: written(&self.bgp_peers),
            bgp_advertisements: written(&self.bgp_advertisements),
            communities: written(&self.communities),
            bfd_profiles: self.bfd_profiles.values().cloned().collect(),
            namespaces: self.namespaces.values().cloned().collect(),
        };
        let compilation = compile(&objects);
        self.verdicts =
            compilation.verdicts.into_iter().map(|verdict| ((verdict.kind, verdict.name.clone()), verdict)).collect();
        if *compilation.config == *self.config {
            return None;
        }
        self.config = compilation.config;
        Some(self.config.clone())
    }

    /// The configuration as of the last compilation.
    #[must_use]
    pub fn config(&self) -> &Arc<Config> {
        &self.config
    }

    /// The status of an object was written and says this now; the watch will say so, too.
    pub fn wrote_status(&mut self, (kind, name): &(Kind, String), status: SeenStatus) {
        let known = match kind {
            Kind::IpAddressPool => self.pools.get_mut(name).map(|pool| &mut pool.status),
            Kind::L2Advertisement => self.l2_advertisements.get_mut(name).map(|one| &mut one.status),
            Kind::BgpAdvertisement => self.bgp_advertisements.get_mut(name).map(|one| &mut one.status),
            Kind::BgpPeer => self.bgp_peers.get_mut(name).map(|peer| &mut peer.status),
            Kind::Community => self.communities.get_mut(name).map(|one| &mut one.status),
        };
        if let Some(known) = known {
            *known = status;
        }
    }

    /// The verdicts of the last compilation, each with what the object's status says now. Without those that rest on
    /// kinds that have not been listed yet: what they name would be missing.
    pub fn verdicts(&self) -> impl Iterator<Item = (&Verdict, &SeenStatus)> {
        self.verdicts.values().filter(|verdict| self.knows_what_it_names(verdict.kind)).filter_map(|verdict| {
            let status = match verdict.kind {
                Kind::IpAddressPool => &self.pools.get(&verdict.name)?.status,
                Kind::L2Advertisement => &self.l2_advertisements.get(&verdict.name)?.status,
                Kind::BgpAdvertisement => &self.bgp_advertisements.get(&verdict.name)?.status,
                Kind::BgpPeer => &self.bgp_peers.get(&verdict.name)?.status,
                Kind::Community => &self.communities.get(&verdict.name)?.status,
            };
            Some((verdict, status))
        })
    }

    fn knows_what_it_names(&self, kind: Kind) -> bool {
        let Listed { bgp_peers, communities, bfd_profiles, .. } = self.listed;
        match kind {
            // (Nothing is said of any object before pools and namespaces are listed.)
            Kind::IpAddressPool | Kind::L2Advertisement | Kind::Community => true,
            Kind::BgpAdvertisement => bgp_peers && communities,
            Kind::BgpPeer => bfd_profiles,
        }
    }
}

fn written<T: Named>(known: &Known<T>) -> Vec<T> {
    known.values().map(|seen| seen.object.clone()).collect()
}

/// Makes `known` follow a change. True if what users wrote is different now.
fn follow_written<T: Named>(known: &mut Known<T>, change: Change<Seen<T>>) -> bool {
    follow(known, change, |seen| seen.object.meta().name.clone(), |seen| seen.object.clone())
}

/// Makes `objects` follow a change. True if what users wrote (`spec`) is different now.
fn follow<T, S: PartialEq>(
    objects: &mut BTreeMap<String, T>,
    change: Change<T>,
    name: impl Fn(&T) -> String,
    spec: impl Fn(&T) -> S,
) -> bool {
    match change {
        Change::Reset(all) => {
            let all: BTreeMap<_, _> = all.into_iter().map(|one| (name(&one), one)).collect();
            let same = all.len() == objects.len()
                && all.iter().all(|(name, one)| objects.get(name).is_some_and(|before| spec(before) == spec(one)));
            *objects = all;
            !same
        }
        Change::Applied(one) => {
            let wanted = spec(&one);
            objects.insert(name(&one), one).is_none_or(|before| spec(&before) != wanted)
        }
        Change::Deleted(one) => objects.remove(&name(&one)).is_some(),
        Change::Broken(_) => false,
    }
}
