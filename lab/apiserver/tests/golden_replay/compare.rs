//! Expected against actual.

use serde_json::Value;

use super::bind::Bindings;

/// Something that differs: where, what was expected, what came.
pub type Found = (String, String, String);

/// How one answer is compared.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Only recorded fields must be there.
    pub partial: bool,
    /// Managed fields count.
    pub managed_fields: bool,
}

/// Compares a body.
pub fn body(bindings: &mut Bindings, expected: &Value, actual: &Value, rules: Rules) -> Vec<Found> {
    let mut found = Vec::new();
    let mut walk = Walk { bindings, rules, found: &mut found };
    walk.object("body", expected, actual);
    found
}

/// Compares a watch event.
pub fn event(bindings: &mut Bindings, at: &str, expected: &Value, actual: &Value, rules: Rules) -> Vec<Found> {
    let mut found = Vec::new();
    let mut walk = Walk { bindings, rules, found: &mut found };
    walk.value(&format!("{at}.type"), &expected["type"], &actual["type"]);
    if expected["type"] == "BOOKMARK" {
        walk.shown_revision(at, &expected["object"], &actual["object"]);
    } else {
        walk.object(&format!("{at}.object"), &expected["object"], &actual["object"]);
    }
    found
}

struct Walk<'a> {
    bindings: &'a mut Bindings,
    rules: Rules,
    found: &'a mut Vec<Found>,
}

impl Walk<'_> {
    /// A whole answer: an object, a list, a Table, a Status, or text.
    fn object(&mut self, at: &str, expected: &Value, actual: &Value) {
        let kind = expected["kind"].as_str().unwrap_or_default();
        if expected["status"] == "Failure" && kind == "Status" {
            return self.failure(at, expected, actual);
        }
        if kind.ends_with("List") || kind == "Table" {
            return self.shown_revision(at, expected, actual);
        }
        self.value(at, expected, actual);
    }

    /// A refusal. Texts that are Go's own are not compared.
    fn failure(&mut self, at: &str, expected: &Value, actual: &Value) {
        let mut expected = expected.clone();
        let mut actual = actual.clone();
        let is_gos = |text: &str| {
            ["json: ", "unmarshal", "Go struct", "strconv.", "yaml: ", "invalid character"]
                .iter()
                .any(|part| text.contains(part))
        };
        for status in [&mut expected, &mut actual] {
            if let Some(causes) = status.pointer_mut("/details/causes").and_then(Value::as_array_mut) {
                for cause in causes.iter_mut().filter_map(Value::as_object_mut) {
                    cause.remove("message"); // stands in the message too
                }
            }
        }
        if expected["message"].as_str().is_some_and(is_gos) {
            for status in [&mut expected, &mut actual] {
                if let Some(status) = status.as_object_mut() {
                    status.remove("message");
                }
            }
        }
        self.value(at, &expected, &actual);
    }

    /// Lists, Tables and bookmarks: their revision may be later than the write it is named after.
    fn shown_revision(&mut self, at: &str, expected: &Value, actual: &Value) {
        let pointer = "/metadata/resourceVersion";
        let mut expected = expected.clone();
        let mut actual = actual.clone();
        if let Some(wanted) = expected.pointer(pointer).and_then(Value::as_str) {
            let got = actual.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            if !self.bindings.fits_shown_revision(wanted, got) {
                self.differs(&format!("{at}.metadata.resourceVersion"), wanted, got);
            }
            for list in [&mut expected, &mut actual] {
                if let Some(metadata) = list["metadata"].as_object_mut() {
                    metadata.remove("resourceVersion");
                }
            }
        }
        self.value(at, &expected, &actual);
    }

    fn value(&mut self, at: &str, expected: &Value, actual: &Value) {
        match (expected, actual) {
            (Value::Object(wanted), Value::Object(got)) => self.map(at, wanted, got),
            (Value::Array(_), Value::Array(_)) if at.ends_with(".managedFields") => {
                self.list(at, &by_manager(expected), &by_manager(actual));
            }
            (Value::Array(wanted), Value::Array(got)) => self.list(at, wanted, got),
            (Value::Array(wanted), Value::Object(got)) => self.names(at, wanted, got),
            (Value::String(wanted), got) if super::bind::has_placeholder(wanted) => {
                let text = match got {
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                if !self.bindings.fits(wanted, &text) {
                    self.differs(at, wanted, &text);
                }
            }
            _ if expected == actual => {}
            (Value::String(wanted), Value::String(got)) if has_aged(wanted, got) => {}
            _ => self.differs(at, &expected.to_string(), &actual.to_string()),
        }
    }

    fn map(&mut self, at: &str, wanted: &serde_json::Map<String, Value>, got: &serde_json::Map<String, Value>) {
        let skipped = |key: &str| {
            key == "storageVersionHash"
                || key == "managedFields" && !self.rules.managed_fields
                || key == "description" && at.contains("columnDefinitions")
                || key == "time" && at.contains(".managedFields[")
        };
        let excerpt = self.rules.partial || is_excerpt(at, wanted, got);
        let skip: Vec<&String> = wanted.keys().chain(got.keys()).filter(|key| skipped(key)).collect();
        for (key, value) in wanted {
            if skip.contains(&key) {
                continue;
            }
            let place = format!("{at}.{key}");
            match got.get(key) {
                Some(actual) => self.value(&place, value, actual),
                None => self.differs(&place, &value.to_string(), "nothing"),
            }
        }
        if excerpt {
            return;
        }
        for (key, value) in got {
            // Recordings leave the schemas of definitions out.
            if key == "schema" && at.contains("spec.versions[") {
                continue;
            }
            if !wanted.contains_key(key) && !skip.contains(&key) {
                self.differs(&format!("{at}.{key}"), "nothing", &value.to_string());
            }
        }
    }

    /// Of long answers only the names of the fields are recorded.
    fn names(&mut self, at: &str, wanted: &[Value], got: &serde_json::Map<String, Value>) {
        let mut names: Vec<Value> = got.keys().map(|name| Value::from(name.as_str())).collect();
        names.sort_by_key(Value::to_string);
        self.list(at, wanted, &names);
    }

    fn list(&mut self, at: &str, wanted: &[Value], got: &[Value]) {
        for (index, value) in wanted.iter().enumerate() {
            let place = format!("{at}[{index}]");
            match got.get(index) {
                Some(actual) => self.value(&place, value, actual),
                None => self.differs(&place, &value.to_string(), "nothing"),
            }
        }
        for (index, value) in got.iter().enumerate().skip(wanted.len()) {
            self.differs(&format!("{at}[{index}]"), "nothing", &value.to_string());
        }
    }

    fn differs(&mut self, at: &str, expected: &str, actual: &str) {
        self.found.push((at.to_owned(), expected.to_owned(), actual.to_owned()));
    }
}

/// Whether these are the ages of one thing with a fixed time, as Tables show them (`2y325d`): when the answer was
/// recorded, and now.
fn has_aged(then: &str, now: &str) -> bool {
    let age = |text: &str| -> Option<(u32, u32)> {
        let (years, days) = text.strip_suffix('d')?.split_once('y')?;
        Some((years.parse().ok()?, days.parse().ok()?))
    };
    age(then).zip(age(now)).is_some_and(|(then, now)| then <= now)
}

/// Some answers are recorded only in part: those that say what they are, but not in which version.
fn is_excerpt(at: &str, wanted: &serde_json::Map<String, Value>, got: &serde_json::Map<String, Value>) -> bool {
    let is_object = ["apiVersion", "kind"].iter().all(|key| got.contains_key(*key));
    let is_item = at.contains("items[");
    let only_kind = wanted.keys().all(|key| key == "kind") && got.contains_key("kind");
    only_kind || is_object && !is_item && !wanted.contains_key("apiVersion")
}

/// The order of managed fields says nothing.
fn by_manager(list: &Value) -> Vec<Value> {
    let mut entries = list.as_array().cloned().unwrap_or_default();
    entries.sort_by_key(|entry| {
        ["manager", "operation", "subresource", "apiVersion"]
            .map(|field| entry[field].as_str().unwrap_or_default().to_owned())
    });
    entries
}
