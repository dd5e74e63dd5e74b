//! Decisions in words: the condition on the Service and the Events about it.
//!
//! Reasons and the beginnings of the messages are MetalLB's, so that runbooks and dashboards keep
//! working; what follows says what to check.

use std::fmt::Write as _;
use std::net::IpAddr;

use herald_compiler::config::{Config, Home};
use herald_ipam::refusal::quoted;
use herald_ipam::{Cause, Decision, Holding, InvalidWish, Refusal, Remark, SharingConflict};
use herald_runtime::events::{Notice, Severity};
use k8s_openapi::api::core::v1::ObjectReference;

use crate::watch::{AllocatedCondition, SeenService};

/// What the condition `metallb.io/Allocated` says of a decision.
pub(super) fn condition(decision: &Decision, config: &Config) -> AllocatedCondition {
    match decision {
        Decision::Keep { holding, remarks } | Decision::Assign { holding, remarks, .. } => {
            held(holding, remarks, config)
        }
        Decision::Pending { refusal, .. } => {
            AllocatedCondition { status: false, reason: refusal.reason().to_owned(), message: refusal.to_string() }
        }
    }
}

/// What introduces why a Service was not moved.
const NOT_MOVED: &str = "; not moved as asked by metallb.io/reallocate: ";

/// Whether a condition says what is wanted. Why a Service was not moved is known once, when its user asks; it stays
/// on the condition until there is something else to say.
pub(super) fn still_says(before: &AllocatedCondition, wanted: &AllocatedCondition) -> bool {
    let said = before.message.strip_prefix(wanted.message.as_str());
    before.status == wanted.status
        && before.reason == wanted.reason
        && said.is_some_and(|rest| rest.is_empty() || rest.starts_with(NOT_MOVED))
}

/// Reasons of the condition for addresses outside of every pool.
const RETAINED: &str = "Retained";
const ORPHANED: &str = "Orphaned";

fn held(holding: &Holding, remarks: &[Remark], config: &Config) -> AllocatedCondition {
    let mut standing = None;
    let mut sentences = Vec::new();
    let recorded = holding.pool.as_deref();
    for address in &holding.addresses {
        sentences.push(match config.home_of(*address, recorded) {
            Home::Inside(pool) => format!("{address} from pool \"{}\"", pool.name),
            Home::Retained(pool) => {
                standing = standing.or(Some(RETAINED));
                format!("{address} is no longer in pool \"{}\" and is kept", pool.name)
            }
            Home::Orphaned => {
                standing = Some(ORPHANED);
                match recorded {
                    Some(pool) => format!("{address} is kept, though its pool \"{pool}\" is gone"),
                    None => format!("{address} is kept, though no pool has it"),
                }
            }
        });
    }
    let (mut duplicate, mut lacking, mut not_moved) = (None, None, None);
    for remark in remarks {
        match remark {
            Remark::InvalidWish(invalid) => {
                lacking = Some("InvalidRequest");
                sentences.push(format!("its request is ignored: {invalid}"));
            }
            Remark::NoSecondFamily(refusal) => {
                lacking = Some("NoSecondFamily");
                sentences.push(format!("no address of its second family: {refusal}"));
            }
            Remark::Duplicate(conflict) => {
                duplicate = Some("Duplicate");
                sentences.push(format!("found on two Services and left as it is: {conflict}"));
            }
            Remark::NotMoved(why) => not_moved = Some(why),
        }
    }
    // One word for all: the gravest.
    let reason = duplicate.or(standing).or(lacking).unwrap_or("Allocated");
    let mut message = sentences.join("; ");
    if let Some(why) = not_moved {
        let _ = write!(message, "{NOT_MOVED}{why}");
    }
    AllocatedCondition { status: true, reason: reason.to_owned(), message }
}

/// The Events that go with a decision once it is written. `news`: the condition says something
/// else than before.
pub(super) fn notices(seen: &SeenService, decision: &Decision, wanted: &AllocatedCondition, news: bool) -> Vec<Notice> {
    let mut all = Vec::new();
    let mut say = |severity, reason, note| all.push(notice(seen, severity, reason, note));
    match decision {
        Decision::Keep { remarks, .. } => {
            moved_by_pools(seen, wanted, &mut say);
            for remark in remarks.iter().filter(|_| news) {
                remarked(remark, &mut say);
            }
        }
        Decision::Assign { holding, cause, remarks } => {
            assigned(seen, holding, cause, &mut say);
            for remark in remarks {
                remarked(remark, &mut say);
            }
        }
        Decision::Pending { refusal, cleared } => {
            if let Some(Cause::Sharing(conflict)) = cleared {
                say(Severity::Normal, "ClearAssignment", clearing(seen, conflict));
            }
            if news && let Some((reason, note)) = refused(seen, refusal) {
                say(Severity::Warning, reason, note);
            }
        }
    }
    all
}

/// The Event about a Service that stays while the pools around its address change.
fn moved_by_pools(
    seen: &SeenService,
    wanted: &AllocatedCondition,
    say: &mut impl FnMut(Severity, &'static str, String),
) {
    let before = seen.condition.as_ref().map(|condition| condition.reason.as_str());
    if before == Some(wanted.reason.as_str()) {
        return;
    }
    match (before, wanted.reason.as_str()) {
        (_, ORPHANED) => {
            say(Severity::Warning, "AddressWithoutPool", format!("no pool has it any more: {}", wanted.message))
        }
        (_, RETAINED) => {
            say(Severity::Normal, "AddressRetained", format!("kept outside of its pool: {}", wanted.message))
        }
        // (A duplicate hides where it stands.)
        (Some(RETAINED | ORPHANED), reason) if reason != "Duplicate" => {
            say(Severity::Normal, "AddressAdopted", format!("a pool has it again: {}", wanted.message));
        }
        _ => {}
    }
}

/// The Event about annotations under the old prefix, on passes that change the Service.
pub(super) fn deprecations(seen: &SeenService) -> Vec<Notice> {
    let note = |name: &String| format!("service uses deprecated annotation {name}");
    seen.deprecated.iter().map(|name| notice(seen, Severity::Warning, "deprecatedAnnotation", note(name))).collect()
}

fn assigned(
    seen: &SeenService,
    Holding { addresses, .. }: &Holding,
    cause: &Cause,
    say: &mut impl FnMut(Severity, &'static str, String),
) {
    let assigned = |addresses: &[IpAddr]| format!("Assigned IP {}", quoted(addresses));
    match cause {
        Cause::AdditionalFamily(address) => {
            say(Severity::Normal, "IPAllocated", format!("Assigned additional IP \"{address}\""));
        }
        Cause::Sharing(conflict) => {
            say(Severity::Normal, "ClearAssignment", clearing(seen, conflict));
            say(Severity::Normal, "IPAllocated", assigned(addresses));
        }
        Cause::New
        | Cause::Restored
        | Cause::OtherAddresses
        | Cause::OtherPool
        | Cause::OtherFamilies
        | Cause::Reallocated => {
            say(Severity::Normal, "IPAllocated", assigned(addresses));
        }
    }
}

fn clearing(seen: &SeenService, conflict: &SharingConflict) -> String {
    format!(
        "current IP for \"{key}\" not allowed by config, will attempt new assignment: can't change sharing key for \
         \"{key}\", address also in use by {with}: {conflict}",
        key = seen.key(),
        with = conflict.with()
    )
}

fn remarked(remark: &Remark, say: &mut impl FnMut(Severity, &'static str, String)) {
    match remark {
        Remark::InvalidWish(invalid) => {
            say(Severity::Warning, "LoadBalancerFailed", format!("invalid requested loadbalancer IPs: {invalid}"));
        }
        Remark::NoSecondFamily(refusal) => say(
            Severity::Normal,
            "AdditionalAssignFailed",
            format!("cannot assign additional IP in PreferDualStack: {refusal}"),
        ),
        Remark::Duplicate(conflict) => say(
            Severity::Warning,
            "DuplicateAddress",
            format!("this Service and another have one address, neither is moved: {conflict}"),
        ),
        Remark::NotMoved(why) => say(
            Severity::Warning,
            "NotReallocated",
            format!("not moved as asked by metallb.io/reallocate, it keeps its address: {why}"),
        ),
    }
}

fn refused(seen: &SeenService, refusal: &Refusal) -> Option<(&'static str, String)> {
    match refusal {
        // It is about to get one.
        Refusal::NoClusterIp => None,
        Refusal::NotDualStack(_) => Some(("not enough clusterips", refusal.to_string())),
        Refusal::Invalid(invalid) if !matches!(invalid, InvalidWish::OtherFamilies(_)) => {
            Some(("LoadBalancerFailed", format!("invalid requested loadbalancer IPs: {invalid}")))
        }
        _ => Some(("AllocationFailed", format!("Failed to allocate IP for \"{}\": {refusal}", seen.key()))),
    }
}

fn notice(seen: &SeenService, severity: Severity, reason: &'static str, note: String) -> Notice {
    let key = seen.key();
    let about = ObjectReference {
        api_version: Some("v1".to_owned()),
        kind: Some("Service".to_owned()),
        namespace: Some(key.namespace.to_string()),
        name: Some(key.name.to_string()),
        uid: Some(seen.uid.clone()),
        resource_version: Some(seen.resource_version.clone()),
        field_path: None,
    };
    Notice { about, severity, reason, action: "Allocate", note }
}
