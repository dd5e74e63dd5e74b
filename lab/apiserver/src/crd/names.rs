//! Names: a definition is served only if nothing else in its group is called the same.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::items;
use crate::meta::text;

/// The names that are taken in one group. Plurals, singulars and short names share one space, kinds and list kinds
/// another.
#[derive(Debug, Default)]
pub(super) struct Taken {
    resources: BTreeSet<String>,
    kinds: BTreeSet<String>,
}

impl Taken {
    /// Adds the accepted names of a definition.
    pub(super) fn add(&mut self, definition: &Value) {
        let Some(names) = definition.pointer("/status/acceptedNames") else { return };
        let mut add = |set: fn(&mut Taken) -> &mut BTreeSet<String>, name: &str| {
            if !name.is_empty() {
                set(self).insert(name.to_owned());
            }
        };
        for field in ["/plural", "/singular"] {
            add(|taken| &mut taken.resources, text(names, field));
        }
        for short in items(names, "shortNames").iter().filter_map(Value::as_str) {
            add(|taken| &mut taken.resources, short);
        }
        for field in ["/kind", "/listKind"] {
            add(|taken| &mut taken.kinds, text(names, field));
        }
    }
}

/// What became of the names that a definition asks for.
#[derive(Debug, PartialEq)]
pub(super) struct Verdict {
    /// `status.acceptedNames`.
    pub(super) accepted: Value,
    /// The reason and message of the last conflict, if there is one.
    pub(super) conflict: Option<(&'static str, String)>,
}

/// Compares the names asked for with those accepted before and those taken by others.
pub(super) fn judge(definition: &Value, taken: &Taken) -> Verdict {
    let empty = Value::Object(Map::new());
    let asked = definition.pointer("/spec/names").unwrap_or(&empty);
    let before = definition.pointer("/status/acceptedNames").unwrap_or(&empty);
    let mut accepted = before.as_object().cloned().unwrap_or_default();
    let mut conflict = None;
    let mut one = |field: &str, names: &BTreeSet<String>, reason: &'static str| {
        let name = text(asked, &format!("/{field}"));
        if name != text(before, &format!("/{field}")) && names.contains(name) {
            conflict = Some((reason, format!("{name:?} is already in use")));
        } else if name.is_empty() {
            accepted.remove(field);
        } else {
            accepted.insert(field.into(), name.into());
        }
    };
    one("plural", &taken.resources, "PluralConflict");
    one("singular", &taken.resources, "SingularConflict");
    let clash = short_name_clash(asked, before, taken);
    one("kind", &taken.kinds, "KindConflict");
    one("listKind", &taken.kinds, "ListKindConflict");
    let conflict = conflict.or_else(|| clash.clone().map(|message| ("ShortNamesConflict", message)));
    for field in ["shortNames", "categories"] {
        if field == "shortNames" && clash.is_some() {
            continue;
        }
        match asked.get(field).filter(|list| list.as_array().is_some_and(|list| !list.is_empty())) {
            Some(list) => accepted.insert(field.into(), list.clone()),
            None => accepted.remove(field),
        };
    }
    // These two are never left out.
    for field in ["plural", "kind"] {
        accepted.entry(field).or_insert(json!(""));
    }
    Verdict { accepted: Value::Object(accepted), conflict }
}

fn short_name_clash(asked: &Value, before: &Value, taken: &Taken) -> Option<String> {
    let own = items(before, "shortNames");
    let clashing: Vec<String> = items(asked, "shortNames")
        .iter()
        .filter(|name| !own.contains(name))
        .filter_map(Value::as_str)
        .filter(|name| taken.resources.contains(*name))
        .map(|name| format!("{name:?} is already in use"))
        .collect();
    match clashing.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        many => Some(format!("[{}]", many.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(plural: &str, kind: &str, accepted: bool) -> Value {
        let names = json!({"plural": plural, "singular": kind.to_lowercase(), "kind": kind,
            "listKind": format!("{kind}List"), "shortNames": ["po"]});
        let status = if accepted { names.clone() } else { json!({"plural": "", "kind": ""}) };
        json!({"spec": {"names": names}, "status": {"acceptedNames": status}})
    }

    #[test]
    fn free_names_are_accepted() {
        let new = definition("pools", "Pool", false);
        let verdict = judge(&new, &Taken::default());
        assert_eq!(verdict.conflict, None);
        assert_eq!(verdict.accepted, new["spec"]["names"]);
    }

    #[test]
    fn own_names_are_no_conflict() {
        let mut taken = Taken::default();
        let own = definition("pools", "Pool", true);
        taken.add(&own);
        assert_eq!(judge(&own, &taken).conflict, None);
    }

    #[test]
    fn the_last_conflict_is_named_and_free_names_are_kept() {
        let mut taken = Taken::default();
        taken.add(&definition("pools", "Pool", true));
        let verdict = judge(&definition("others", "Pool", false), &taken);
        assert_eq!(verdict.conflict, Some(("ListKindConflict", "\"PoolList\" is already in use".to_owned())));
        assert_eq!(verdict.accepted, json!({"plural": "others", "kind": ""}));
    }

    #[test]
    fn a_short_name_may_not_be_another_ones_plural() {
        let mut taken = Taken::default();
        taken.add(&json!({"status": {"acceptedNames": {"plural": "po", "kind": "X"}}}));
        let verdict = judge(&definition("pools", "Pool", false), &taken);
        assert_eq!(verdict.conflict, Some(("ShortNamesConflict", "\"po\" is already in use".to_owned())));
        assert_eq!(verdict.accepted.get("shortNames"), None);
    }
}
