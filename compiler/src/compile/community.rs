//! Names for communities, of all Community objects together.
//!
//! An entry that can't be used is left out alone: to leave out the whole object would withdraw the routes of every
//! advertisement that uses one of its other names.

use std::collections::BTreeMap;

use super::{accepted, seniority, verdict};
use crate::bgp::Community;
use crate::object::{self, CommunityAlias};
use crate::verdict::{Condition, ConditionType, Kind, Reason, Verdict};

/// How many entries a message speaks of before it only counts the rest.
const SPELLED_OUT: usize = 5;

/// What names stand for.
#[derive(Default)]
pub(super) struct Aliases<'a> {
    /// Name → the community, and the Community object that says so.
    meanings: BTreeMap<&'a str, (Community, &'a str)>,
    /// Names that stand for nothing, because every entry is wrong, with the object of the first one.
    broken: BTreeMap<&'a str, &'a str>,
}

impl<'a> Aliases<'a> {
    /// What `name` stands for.
    pub(super) fn meaning(&self, name: &str) -> Option<Community> {
        self.meanings.get(name).map(|(community, _)| *community)
    }

    /// The Community object whose entry `name` can't be used.
    pub(super) fn broken_in(&self, name: &str) -> Option<&'a str> {
        self.broken.get(name).copied()
    }
}

/// The names, and the verdicts (by name of the object).
pub(super) fn compile(written: &[object::Community]) -> (Aliases<'_>, Vec<Verdict>) {
    let mut written: Vec<_> = written.iter().collect();
    written.sort_by_cached_key(|one| seniority(&one.meta));
    let mut aliases = Aliases::default();
    let mut verdicts = Vec::with_capacity(written.len());
    for object in written {
        let wrong: Vec<_> = object
            .communities
            .iter()
            .filter_map(|entry| define(&mut aliases, &object.meta.name, entry).err())
            .collect();
        verdicts.push(verdict(Kind::Community, &object.meta, vec![acceptance(&wrong)]));
    }
    verdicts.sort_by(|a, b| (&a.name, &a.uid).cmp(&(&b.name, &b.uid)));
    (aliases, verdicts)
}

fn define<'a>(aliases: &mut Aliases<'a>, object: &'a str, entry: &'a CommunityAlias) -> Result<(), (Reason, String)> {
    let CommunityAlias { name, value } = entry;
    if name.is_empty() {
        return Err((Reason::InvalidCommunity, format!("the entry with value \"{value}\" has no name: write one")));
    }
    let meaning = Community::parse(value).map_err(|error| {
        aliases.broken.entry(name).or_insert(object);
        (Reason::InvalidCommunity, format!("\"{name}\": {error}"))
    })?;
    if let Some((_, owner)) = aliases.meanings.get(name.as_str()) {
        let place =
            if *owner == object { "before".to_owned() } else { format!("in Community \"{owner}\", which is older") };
        return Err((
            Reason::DuplicateEntry,
            format!("\"{name}\" is given {place}, and means what is said there: rename or remove it here"),
        ));
    }
    aliases.meanings.insert(name, (meaning, object));
    Ok(())
}

fn acceptance(wrong: &[(Reason, String)]) -> Condition {
    let Some((reason, _)) = wrong.first() else { return accepted() };
    let mut sentences: Vec<_> = wrong.iter().take(SPELLED_OUT).map(|(_, sentence)| sentence.clone()).collect();
    let rest = wrong.len() - sentences.len();
    if rest > 0 {
        sentences.push(format!("and {rest} more"));
    }
    Condition {
        kind: ConditionType::Accepted,
        status: false,
        reason: *reason,
        message: format!("entries are not used: {}", sentences.join("; ")),
    }
}
