//! The Lease, in the elector's words and back.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;

/// What stands in a Lease.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Who has it; empty means nobody: it was given back.
    pub holder: String,
    /// How long it lasts after each renewal, in whole seconds.
    pub seconds: i32,
    /// How often it changed hands.
    pub transitions: i32,
    /// When the holder took it, by the holder's wall clock. Not compared with anything.
    pub acquired: Option<Timestamp>,
    /// When it was renewed, by the holder's wall clock. Only looked at for being different.
    pub renewed: Option<Timestamp>,
}

impl Record {
    /// How long it lasts after each renewal.
    #[must_use]
    pub fn duration(&self) -> Duration {
        Duration::from_secs(u64::try_from(self.seconds).unwrap_or(0))
    }
}

/// A Lease as it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenLease {
    /// Its resourceVersion.
    pub version: String,
    /// What stands in it.
    pub record: Record,
}

impl SeenLease {
    /// Takes from a Lease what matters.
    #[must_use]
    pub fn of(lease: Lease) -> Self {
        let spec = lease.spec.unwrap_or_default();
        let record = Record {
            holder: spec.holder_identity.unwrap_or_default(),
            seconds: spec.lease_duration_seconds.unwrap_or(0),
            transitions: spec.lease_transitions.unwrap_or(0),
            acquired: spec.acquire_time.map(|time| time.0),
            renewed: spec.renew_time.map(|time| time.0),
        };
        Self { version: lease.metadata.resource_version.unwrap_or_default(), record }
    }

    /// Whether this is an older version of the same Lease than `other`.
    pub(super) fn is_older_than(&self, other: &Self) -> bool {
        let version = |seen: &Self| seen.version.parse::<u64>().ok();
        matches!((version(self), version(other)), (Some(mine), Some(theirs)) if mine < theirs)
    }
}

/// The Lease called `name` with this record; `version` if it replaces that version of one that exists.
#[must_use]
pub fn lease(name: &str, record: &Record, version: Option<&str>) -> Lease {
    let mut lease = Lease::default();
    lease.metadata.name = Some(name.to_owned());
    lease.metadata.resource_version = version.map(str::to_owned);
    lease.spec = Some(LeaseSpec {
        holder_identity: Some(record.holder.clone()),
        lease_duration_seconds: Some(record.seconds),
        lease_transitions: Some(record.transitions),
        acquire_time: record.acquired.map(MicroTime),
        renew_time: record.renewed.map(MicroTime),
        ..LeaseSpec::default()
    });
    lease
}
