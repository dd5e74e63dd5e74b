//! Pools that an advertisement covers, by name and by label.

use std::collections::BTreeSet;

use super::{Refusal, check_names_once};
use crate::config::Pool;
use crate::object::LabelSelector;
use crate::selector::Selector;
use crate::verdict::{Condition, ConditionType, Reason};

/// How many missing objects a message names before it only counts the rest.
const SPELLED_OUT: usize = 5;

/// Pools that an advertisement covers.
pub(super) struct Selection {
    /// Names of those that exist.
    pub(super) pools: BTreeSet<String>,
    /// Names of those that do not.
    pub(super) unknown: BTreeSet<String>,
}

impl Selection {
    /// Names and selectors add up; without any, all of `pools` are meant.
    pub(super) fn read(names: &[String], selectors: &[LabelSelector], pools: &[Pool]) -> Result<Self, Refusal> {
        check_names_once("ipAddressPools", names)?;
        let selectors = Selector::compile_list("ipAddressPoolSelectors", selectors)?;
        let named: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        let all = named.is_empty() && selectors.is_empty();
        let covers = |pool: &&Pool| {
            all || named.contains(pool.name.as_str()) || selectors.iter().any(|s| s.matches(&pool.labels))
        };
        let exists = |name: &str| pools.binary_search_by(|pool| pool.name.as_str().cmp(name)).is_ok();
        Ok(Self {
            pools: pools.iter().filter(covers).map(|pool| pool.name.clone()).collect(),
            unknown: named.iter().filter(|name| !exists(name)).map(|name| (*name).to_owned()).collect(),
        })
    }
}

/// Objects of one kind that are named and do not exist.
pub(super) struct Missing<'a> {
    pub(super) reason: Reason,
    pub(super) kind: &'static str,
    pub(super) names: &'a BTreeSet<String>,
    /// The field that names them.
    pub(super) field: &'static str,
}

/// The condition `ResolvedRefs`. `everything` says what exists if nothing is missing.
pub(super) fn references(everything: &str, missing: &[Missing<'_>]) -> Condition {
    let missing: Vec<_> = missing.iter().filter(|one| !one.names.is_empty()).collect();
    let sentence = |one: &&Missing<'_>| {
        let Missing { kind, names, field, .. } = one;
        format!("no {kind} is called {}: create it, or correct {field}", list(names))
    };
    let sentences: Vec<_> = missing.iter().map(sentence).collect();
    Condition {
        kind: ConditionType::ResolvedRefs,
        status: missing.is_empty(),
        reason: missing.first().map_or(Reason::ResolvedRefs, |one| one.reason),
        message: if missing.is_empty() { everything.to_owned() } else { sentences.join("; ") },
    }
}

/// The first few names, and how many more there are.
fn list(names: &BTreeSet<String>) -> String {
    let mut list: Vec<String> = names.iter().take(SPELLED_OUT).map(|name| format!("\"{name}\"")).collect();
    let rest = names.len() - list.len();
    if rest > 0 {
        list.push(format!("and {rest} more"));
    }
    list.join(", ")
}
