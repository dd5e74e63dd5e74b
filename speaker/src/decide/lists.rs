//! Changes applied to what is known.

use std::collections::BTreeMap;

use herald_runtime::watch::Change;

/// Applies a change to a map; true if anything is different.
pub(super) fn update<T: PartialEq>(
    map: &mut BTreeMap<String, T>,
    change: Change<T>,
    name: impl Fn(&T) -> String,
) -> bool {
    match change {
        Change::Reset(all) => {
            let new: BTreeMap<_, _> = all.into_iter().map(|object| (name(&object), object)).collect();
            let changed = *map != new;
            *map = new;
            changed
        }
        Change::Applied(object) => {
            let name = name(&object);
            let changed = map.get(&name) != Some(&object);
            map.insert(name, object);
            changed
        }
        Change::Deleted(object) => map.remove(&name(&object)).is_some(),
        Change::Broken(_) => false,
    }
}

/// Applies a change to a list of uniquely named objects; true if anything is different, with what is not there any
/// more.
pub(super) fn update_list<T: PartialEq>(
    list: &mut Vec<T>,
    change: Change<T>,
    name: impl Fn(&T) -> &String,
) -> (bool, Vec<T>) {
    match change {
        Change::Reset(all) => {
            let changed = *list != all;
            let mut gone = std::mem::replace(list, all);
            gone.retain(|before| !list.iter().any(|now| name(now) == name(before)));
            (changed, gone)
        }
        Change::Applied(object) => {
            let changed = match list.iter_mut().find(|known| name(known) == name(&object)) {
                Some(known) if *known == object => false,
                Some(known) => {
                    *known = object;
                    true
                }
                None => {
                    list.push(object);
                    true
                }
            };
            (changed, Vec::new())
        }
        Change::Deleted(object) => {
            let gone: Vec<_> = list.extract_if(.., |known| name(known) == name(&object)).collect();
            (!gone.is_empty(), gone)
        }
        Change::Broken(_) => (false, Vec::new()),
    }
}
