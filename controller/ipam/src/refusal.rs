//! Why a Service gets no address, pool by pool, in sentences for the person who waits for it.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use herald_compiler::{Config, Family, Pool};

use crate::{InvalidWish, SharingConflict};

/// How many pools a sentence names before it only counts.
const NAMED: usize = 10;
/// How many of a pool's ranges a sentence names.
const RANGES_NAMED: usize = 4;

/// Why there is no address for a Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It has no cluster IP, so its families are unknown.
    NoClusterIp,
    /// It requires two families and has cluster IPs of these only.
    NotDualStack(Vec<Family>),
    /// What it asks for can't be understood.
    Invalid(InvalidWish),
    /// There is no pool at all.
    NoPools,
    /// It asks for a pool that does not exist.
    UnknownPool {
        /// The pool asked for.
        pool: String,
        /// The pools that exist.
        known: Pools,
    },
    /// It asks for an address that no pool has.
    NotInAnyPool {
        /// The addresses asked for.
        addresses: Vec<IpAddr>,
        /// The first that no pool has.
        address: IpAddr,
        /// The pools that exist.
        known: Pools,
    },
    /// It asks for two addresses of different pools.
    TwoPools(Vec<IpAddr>),
    /// It asks for addresses and for a pool that does not have them.
    NotInThatPool {
        /// The addresses asked for.
        addresses: Vec<IpAddr>,
        /// The pool asked for.
        pool: String,
    },
    /// It asks for an address that its pool won't give it.
    Address {
        /// The address asked for.
        address: IpAddr,
        /// The pool that has it.
        pool: Arc<str>,
        /// Why it can't be had.
        why: AddressRefusal,
    },
    /// No pool has what it needs.
    NoneAvailable(Vec<(Arc<str>, PoolRefusal)>),
}

/// Why a requested address can't be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressRefusal {
    /// The pool avoids addresses that end in .0 or .255.
    #[error("the pool avoids addresses that end in .0 or .255 (avoidBuggyIPs)")]
    Avoided,
    /// The pool is not for this Service.
    #[error("{0}")]
    Pool(PoolRefusal),
    /// Somebody has it.
    #[error("{0}")]
    InUse(SharingConflict),
}

/// Why a pool was not usable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PoolRefusal {
    /// Its spec is invalid, so it hands out nothing.
    #[error("is not accepted, its own conditions say why")]
    NotAccepted,
    /// It is only used on request.
    #[error("autoAssign is false, it must be asked for")]
    NotAutoAssigned,
    /// It does not serve the Service's namespace.
    #[error("does not serve namespace \"{0}\"")]
    Namespace(Arc<str>),
    /// Its service selectors don't match.
    #[error("its serviceSelectors don't match the Service's labels")]
    Labels,
    /// It has no addresses of this family.
    #[error("has no {0} addresses")]
    NoFamily(Family),
    /// The Service's namespace uses as many of its addresses as it may.
    #[error(
        "namespace \"{namespace}\" uses {used} of its {family} addresses and may use {max} (spec.herald.maxPerNamespace)"
    )]
    Quota {
        /// The namespace.
        namespace: Arc<str>,
        /// The family of which it uses that many.
        family: Family,
        /// How many it uses, without what this Service alone has. More than it may, if the quota was lowered.
        used: u64,
        /// How many it may use.
        max: u64,
    },
    /// All its addresses of this family are in use.
    #[error("all {capacity} {family} addresses are in use")]
    Full {
        /// The family that is full.
        family: Family,
        /// How many addresses it has.
        capacity: u128,
    },
}

/// The pools that exist, for a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pools {
    named: Vec<String>,
    more: usize,
}

impl Pools {
    pub(crate) fn of(config: &Config) -> Self {
        let pools = config.pools();
        Self { named: pools.iter().take(NAMED).map(describe).collect(), more: pools.len().saturating_sub(NAMED) }
    }
}

fn describe(pool: &Pool) -> String {
    let mut ranges: Vec<_> = pool.ranges.iter().take(RANGES_NAMED).map(ToString::to_string).collect();
    if pool.ranges.len() > RANGES_NAMED {
        ranges.push("…".to_owned());
    }
    let held = if pool.usable { ranges.join(", ") } else { "not accepted".to_owned() };
    format!("{} ({held})", pool.name)
}

impl fmt::Display for Pools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.named.is_empty() {
            return f.write_str("there is no pool");
        }
        write!(f, "the pools are: {}", self.named.join("; "))?;
        more(f, self.more)
    }
}

fn more(f: &mut fmt::Formatter<'_>, count: usize) -> fmt::Result {
    if count == 0 { Ok(()) } else { write!(f, "; and {count} more") }
}

/// Go's `%q` of a list, as MetalLB writes addresses: `["192.0.2.1" "2001:db8::1"]`.
#[must_use]
pub fn quoted(addresses: &[IpAddr]) -> String {
    let quoted: Vec<_> = addresses.iter().map(|address| format!("\"{address}\"")).collect();
    format!("[{}]", quoted.join(" "))
}

impl Refusal {
    /// One word for programs, as a condition's reason.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NoClusterIp => "NoClusterIP",
            Self::NotDualStack(_) => "NotDualStack",
            Self::Invalid(InvalidWish::OtherFamilies(_)) => "FamilyMismatch",
            Self::Invalid(_) => "InvalidRequest",
            Self::NoPools => "NoPools",
            Self::UnknownPool { .. } => "UnknownPool",
            Self::NotInAnyPool { .. } => "AddressNotInPool",
            Self::TwoPools(_) | Self::NotInThatPool { .. } => "PoolMismatch",
            Self::Address { why: AddressRefusal::Avoided, .. } => "AddressAvoided",
            Self::Address { why: AddressRefusal::Pool(PoolRefusal::Quota { .. }), .. } => "QuotaReached",
            Self::Address { why: AddressRefusal::Pool(_), .. } => "PoolNotAllowed",
            Self::Address { why: AddressRefusal::InUse(_), .. } => "AddressInUse",
            Self::NoneAvailable(_) => "NoAddressAvailable",
        }
    }
}

/// A sentence that starts with MetalLB's words, where it has them, and goes on with what to check.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoClusterIp => f.write_str("the Service has no cluster IP yet, so its address families are unknown"),
            Self::NotDualStack(families) => {
                let families: Vec<_> = families.iter().map(ToString::to_string).collect();
                write!(
                    f,
                    "service requires dual stack but has cluster IPs of {} only",
                    if families.is_empty() { "no family".to_owned() } else { families.join(" and ") }
                )
            }
            Self::Invalid(invalid) => invalid.fmt(f),
            Self::NoPools => f.write_str("there is no IPAddressPool: create one"),
            Self::UnknownPool { pool, known } => write!(f, "unknown pool \"{pool}\"; {known}"),
            Self::NotInAnyPool { addresses, address, known } => {
                write!(f, "{} is not allowed in config: no pool has {address}; {known}", quoted(addresses))
            }
            Self::TwoPools(addresses) => {
                write!(f, "{} is not allowed in config: one pool must have both addresses", quoted(addresses))
            }
            Self::NotInThatPool { addresses, pool } => write!(
                f,
                "requested loadBalancer IP(s) {} is not compatible with requested address pool {pool}",
                quoted(addresses)
            ),
            Self::Address { address, pool, why: why @ AddressRefusal::Avoided } => {
                write!(f, "[\"{address}\"] is not allowed in config: pool \"{pool}\": {why}")
            }
            Self::Address { pool, why: why @ AddressRefusal::Pool(_), .. } => {
                write!(f, "pool {pool} not compatible for ip assignment: {why}")
            }
            Self::Address { why: why @ AddressRefusal::InUse(_), .. } => why.fmt(f),
            Self::NoneAvailable(pools) => {
                f.write_str("no available IPs")?;
                for (place, (pool, why)) in pools.iter().take(NAMED).enumerate() {
                    write!(f, "{} pool \"{pool}\": {why}", if place == 0 { ":" } else { ";" })?;
                }
                more(f, pools.len().saturating_sub(NAMED))
            }
        }
    }
}
