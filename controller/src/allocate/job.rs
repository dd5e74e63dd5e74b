//! What is to be done at the API server, and how it went.

use std::net::IpAddr;
use std::sync::Arc;

use herald_compiler::verdict::{Kind, Verdict};
use herald_ipam::ServiceKey;
use herald_runtime::events::Notice;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::overview::StateWrite;
use crate::compile::{Counters, SeenStatus};
use crate::lead::Epoch;
use crate::watch::{AllocatedCondition, SeenService, SeenState};

/// Number of a job, so that its outcome is not taken for that of a later one.
pub type Ticket = u64;

/// Something to be done at the API server.
#[derive(Clone, Debug, PartialEq)]
pub enum Job {
    /// Write a Service's status.
    Write(ServiceWrite),
    /// Ask how a Service stands, after a write of unknown outcome.
    Fetch {
        /// Which job this is.
        ticket: Ticket,
        /// The Service.
        key: ServiceKey,
    },
    /// Take our marks off a Service that left the selection, if it still exists and is no
    /// LoadBalancer any more.
    Unmark {
        /// The Service.
        key: ServiceKey,
    },
    /// Write the status of a configuration object.
    Status(StatusWrite),
    /// Write a Service's condition `metallb.io/Announced`.
    Announced(AnnouncedWrite),
    /// Write our ConfigurationState.
    State(StateWrite),
}

/// A change of a Service's status, valid for one version of it only.
#[derive(Clone, Debug)]
pub struct ServiceWrite {
    /// Which job this is.
    pub ticket: Ticket,
    /// The Service.
    pub key: ServiceKey,
    /// The version that the decision was made on.
    pub resource_version: String,
    /// What changes.
    pub change: ServiceChange,
    /// Events to be emitted once it is written.
    pub notices: Vec<Notice>,
}

/// Notices are left out: they follow from the change.
impl PartialEq for ServiceWrite {
    fn eq(&self, other: &Self) -> bool {
        let same_target = self.key == other.key && self.resource_version == other.resource_version;
        same_target && self.ticket == other.ticket && self.change == other.change
    }
}

/// The parts of a Service that change; `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceChange {
    /// The addresses to show, all of them; empty takes them away.
    pub ingress: Option<Vec<IpAddr>>,
    /// The pool to record; `Some(None)` takes the record away.
    pub pool: Option<Option<Arc<str>>>,
    /// The condition `metallb.io/Allocated`.
    pub condition: Option<ConditionChange>,
    /// The mark of a term (`metallb.io/allocator-epoch`); `Some(None)` takes it away.
    pub epoch: Option<Option<Epoch>>,
    /// The request to be moved (`metallb.io/reallocate`) is dealt with and taken away.
    pub reallocated: bool,
}

/// A change of a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConditionChange {
    /// What it says now.
    pub condition: AllocatedCondition,
    /// Its status is another one than before, so its time is now.
    pub transition: bool,
}

impl ServiceChange {
    /// Nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A change of the condition `metallb.io/Announced`, valid for one version of the Service only.
#[derive(Clone, Debug)]
pub struct AnnouncedWrite {
    /// The Service.
    pub key: ServiceKey,
    /// The version that the decision was made on.
    pub resource_version: String,
    /// What the condition says now; `None` takes it away.
    pub change: Option<ConditionChange>,
    /// An Event to be emitted once it is written.
    pub notice: Option<Notice>,
}

/// The notice is left out: it follows from the change.
impl PartialEq for AnnouncedWrite {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key && self.resource_version == other.resource_version && self.change == other.change
    }
}

/// The status of a configuration object. The conditions are made of the verdict and of those that
/// are there by whoever writes them, since only they know the time.
#[derive(Clone, Debug, PartialEq)]
pub struct StatusWrite {
    /// What to say.
    pub verdict: Verdict,
    /// The counters, of a pool.
    pub counters: Option<Counters>,
    /// The conditions that are there.
    pub before: Vec<Condition>,
}

/// How a job went.
#[derive(Clone, Debug)]
pub enum Done {
    /// Of [`Job::Write`].
    Write {
        /// The job.
        write: ServiceWrite,
        /// What came of it.
        outcome: Written,
    },
    /// Of [`Job::Fetch`].
    Fetch {
        /// Which job it was.
        ticket: Ticket,
        /// The Service.
        key: ServiceKey,
        /// What came of it.
        outcome: Fetched,
    },
    /// Of [`Job::Unmark`]. False: it failed and is to be tried again.
    Unmark {
        /// The Service.
        key: ServiceKey,
        /// Whether nothing is left to do.
        clean: bool,
    },
    /// Of [`Job::Status`].
    Status {
        /// Kind of the object.
        kind: Kind,
        /// Its name.
        name: String,
        /// What its status says now; `None` if it was not written.
        written: Option<SeenStatus>,
    },
    /// Of [`Job::Announced`].
    Announced {
        /// The job.
        write: AnnouncedWrite,
        /// What came of it.
        outcome: Written,
    },
    /// Of [`Job::State`].
    State {
        /// The object as it is now; `None` if it was not written.
        written: Option<SeenState>,
    },
}

/// How the write of a Service's status went.
#[derive(Clone, Debug)]
pub enum Written {
    /// It stands; this is the Service now.
    Stands(Box<SeenService>),
    /// The Service has changed meanwhile. Nothing was written.
    Conflict,
    /// The Service is gone. Nothing was written.
    Gone,
    /// Nobody knows; it may have been written or not.
    Unknown(String),
}

/// What asking for a Service said.
#[derive(Clone, Debug)]
pub enum Fetched {
    /// This is the Service now.
    Found(Box<SeenService>),
    /// It is gone.
    Gone,
    /// No answer.
    Unknown(String),
}
