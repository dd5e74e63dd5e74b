//! What the allocator decided about a Service.

use std::net::IpAddr;
use std::sync::Arc;

use crate::{InvalidWish, Refusal, SharingConflict};

/// What a Service's status should show, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The addresses it shows are the ones it should have.
    Keep {
        /// Addresses and pool.
        holding: Holding,
        /// What else a user should know.
        remarks: Vec<Remark>,
    },
    /// It should show these addresses instead of those it does.
    Assign {
        /// Addresses and pool.
        holding: Holding,
        /// Why they differ from what it shows.
        cause: Cause,
        /// What else a user should know.
        remarks: Vec<Remark>,
    },
    /// It should show no address.
    Pending {
        /// Why none can be had.
        refusal: Refusal,
        /// Why those that it still shows are to go; `None` if it shows none.
        cleared: Option<Cause>,
    },
}

impl Decision {
    /// The addresses that the Service should have; empty if none.
    #[must_use]
    pub fn addresses(&self) -> &[IpAddr] {
        match self {
            Self::Keep { holding, .. } | Self::Assign { holding, .. } => &holding.addresses,
            Self::Pending { .. } => &[],
        }
    }
}

/// Addresses of a Service and where they come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// One address, or one of each family, in the order to be shown.
    pub addresses: Vec<IpAddr>,
    /// The pool to record; `None` for addresses that no known pool ever had.
    pub pool: Option<Arc<str>>,
}

/// Why a Service's addresses change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It had none.
    New,
    /// Its status lost what it has, or was overwritten with what it can't have.
    Restored,
    /// It keeps its address and gains this one of the other family.
    AdditionalFamily(IpAddr),
    /// It asks for other addresses than it has.
    OtherAddresses,
    /// It asks for another pool than its addresses are from.
    OtherPool,
    /// Its own address families changed.
    OtherFamilies,
    /// Its user asked for it to be moved once.
    Reallocated,
    /// It changed so that it can't share its address any longer.
    Sharing(SharingConflict),
}

/// Something a user should know about a Service that has an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// What it asks for can't be understood, so it keeps what it has.
    InvalidWish(InvalidWish),
    /// It would take an address of its second family too, but there is none.
    NoSecondFamily(Refusal),
    /// Another Service has its address against the sharing rules. Neither is moved.
    Duplicate(SharingConflict),
    /// Its user asked for it to be moved, and it was not.
    NotMoved(NotMoved),
}

/// Why a Service that is to be moved stays where it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotMoved {
    /// It asks for exactly the addresses it has.
    #[error("it asks for exactly what it has (metallb.io/loadBalancerIPs or spec.loadBalancerIP): change that")]
    Requested,
    /// There is nothing else for it.
    #[error("{0}")]
    Refused(Box<Refusal>),
}
