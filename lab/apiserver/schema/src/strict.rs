//! Strict decoding: fields given twice in the text of a body.
//!
//! `serde_json::Value` keeps the last of two equal keys and forgets the others, so the text itself
//! is read once more for `fieldValidation=Strict` and `Warn`.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::path::Path;

/// The fields that a JSON text gives twice, as paths (`spec.x`), each once, in order of appearance.
///
/// Text that is not JSON yields nothing: decoding reports that.
#[must_use]
pub fn duplicate_fields(text: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    let mut reader = serde_json::Deserializer::from_slice(text);
    let finder = Finder { at: Path::Root, found: &mut found };
    if finder.deserialize(&mut reader).is_err() {
        return Vec::new();
    }
    found
}

/// `strict decoding error: duplicate field "b", unknown field "a"`, or `None` when both are empty.
#[must_use]
pub fn strict_decoding_error(unknown: &[String], duplicate: &[String]) -> Option<String> {
    let faults = field_warnings(unknown, duplicate);
    if faults.is_empty() { None } else { Some(format!("strict decoding error: {}", faults.join(", "))) }
}

/// The texts of the `Warning` headers for `fieldValidation=Warn`, one per field: `unknown field "spec.x"`.
#[must_use]
pub fn field_warnings(unknown: &[String], duplicate: &[String]) -> Vec<String> {
    let duplicate = duplicate.iter().map(|field| format!("duplicate field {}", crate::quote(field)));
    let unknown = unknown.iter().map(|field| format!("unknown field {}", crate::quote(field)));
    duplicate.chain(unknown).collect()
}

/// Reads one value and looks at the keys of every object in it.
struct Finder<'a> {
    at: Path<'a>,
    found: &'a mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Finder<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Finder<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = BTreeSet::new();
        while let Some(key) = map.next_key::<String>()? {
            let at = self.at.field(&key);
            if seen.contains(&key) {
                let name = at.to_string();
                if !self.found.contains(&name) {
                    self.found.push(name);
                }
                map.next_value::<IgnoredAny>()?;
            } else {
                map.next_value_seed(Finder { at, found: self.found })?;
                seen.insert(key);
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut index = 0;
        while items.next_element_seed(Finder { at: self.at.index(index), found: self.found })?.is_some() {
            index += 1;
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}
