//! Validation of metadata, and of the formats that many fields share. The words are kube-apiserver's.

use herald_apiserver_schema::Cause;
use serde_json::{Map, Value};

use super::{annotations, labels, section, text};
use crate::registry::has_deletion_timestamp;

/// What names of a kind may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameRule {
    /// RFC 1123 subdomain: most kinds.
    Subdomain,
    /// RFC 1123 label: namespaces, services.
    Label,
    /// Anything that can stand in a path: RBAC.
    Path,
}

/// Bytes that all annotations of an object may have together.
const MAX_ANNOTATIONS: usize = 256 * 1024;

const LABEL_WORDS: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must \
     start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
     '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

const SUBDOMAIN_WORDS: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or \
     '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
     '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

const NAME_PART_WORDS: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end \
     with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
     '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

const LABEL_VALUE_WORDS: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or \
     '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used \
     for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/// What is wrong with the metadata of a new object.
pub(crate) fn metadata(object: &Value, rule: NameRule) -> Vec<Cause> {
    let mut causes = Vec::new();
    let name = text(object, "/metadata/name");
    let generate = text(object, "/metadata/generateName");
    if !generate.is_empty() {
        let generated = format!("{generate}xxxxx");
        for why in name_faults(&generated, rule, true) {
            causes.push(Cause::invalid("metadata.generateName", &generated.clone().into(), why));
        }
    }
    if name.is_empty() {
        causes.push(Cause::required("metadata.name", "name or generateName is required"));
    } else {
        for why in name_faults(name, rule, false) {
            causes.push(Cause::invalid("metadata.name", &name.into(), why));
        }
    }
    causes.extend(common(object));
    causes
}

/// What is wrong with the metadata of a changed object. `new` is as the client wants it, before the server keeps what
/// may not be changed.
pub(crate) fn metadata_update(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let wanted = text(new, "/metadata/uid");
    if !wanted.is_empty() && wanted != text(old, "/metadata/uid") {
        causes.push(Cause::invalid("metadata.uid", &wanted.into(), "field is immutable"));
    }
    if has_deletion_timestamp(old) {
        let had = strings(section(old, "metadata"), "finalizers");
        let new: Vec<String> = strings(section(new, "metadata"), "finalizers")
            .into_iter()
            .filter(|finalizer| !had.contains(finalizer))
            .map(|finalizer| format!("{finalizer:?}"))
            .collect();
        if !new.is_empty() {
            let listed = new.join(", ");
            causes.push(Cause::forbidden(
                "metadata.finalizers",
                format!(
                    "no new finalizers can be added if the object is being deleted, found new finalizers \
                     []string{{{listed}}}"
                ),
            ));
        }
    }
    causes.extend(common(new));
    causes
}

fn common(object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    causes.extend(label_causes(labels(object), "metadata.labels"));
    let annotations = annotations(object);
    for key in annotations.keys() {
        for why in qualified_name_faults(&key.to_lowercase()) {
            causes.push(Cause::invalid("metadata.annotations", &key.clone().into(), why));
        }
    }
    let size: usize =
        annotations.iter().map(|(key, value)| key.len() + value.as_str().map(str::len).unwrap_or_default()).sum();
    if size > MAX_ANNOTATIONS {
        let words = format!("may not be more than {MAX_ANNOTATIONS} bytes");
        causes.push(Cause::plain(herald_apiserver_schema::Reason::TooLong, "metadata.annotations", words));
    }
    let metadata = section(object, "metadata");
    causes.extend(owner_references(metadata));
    for (index, finalizer) in strings(metadata, "finalizers").iter().enumerate() {
        let field = format!("metadata.finalizers[{index}]");
        let faults = qualified_name_faults(finalizer);
        let standard = ["orphan", "foregroundDeletion", "kubernetes"].contains(&finalizer.as_str());
        if faults.is_empty() && !standard && !finalizer.contains('/') {
            let words = "name is neither a standard finalizer name nor is it fully qualified";
            causes.push(Cause::invalid(&field, &finalizer.clone().into(), words));
        }
        for why in faults {
            causes.push(Cause::invalid(&field, &finalizer.clone().into(), why));
        }
    }
    causes
}

fn owner_references(metadata: &Map<String, Value>) -> Vec<Cause> {
    let field = "metadata.ownerReferences";
    let references = metadata.get("ownerReferences").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let mut causes = Vec::new();
    let mut controller: Option<String> = None;
    for reference in references {
        let named = |name: &str| text(reference, name);
        if named("/apiVersion").is_empty() {
            causes.push(Cause::invalid(format!("{field}.apiVersion"), &"".into(), "version must not be empty"));
        }
        for name in ["kind", "name", "uid"] {
            if named(&format!("/{name}")).is_empty() {
                causes.push(Cause::invalid(format!("{field}.{name}"), &"".into(), "must not be empty"));
            }
        }
        if reference.get("controller") == Some(&Value::Bool(true)) {
            let this = format!("{}/{}", named("/kind"), named("/name"));
            if let Some(first) = &controller {
                let words = format!(
                    "Only one reference can have Controller set to true. Found \"true\" in references for {first} and \
                     {this}"
                );
                causes.push(Cause::invalid_shown(field, &shown_references(references), words));
            }
            controller.get_or_insert(this);
        }
    }
    causes
}

/// Owner references as Go prints them: fields in the order of the struct.
fn shown_references(references: &[Value]) -> String {
    let fields = ["apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion"];
    let shown: Vec<String> = references
        .iter()
        .map(|reference| {
            let there = fields.iter().filter_map(|field| Some((field, reference.get(*field)?)));
            let fields: Vec<String> = there.map(|(field, value)| format!("{field:?}:{value}")).collect();
            format!("{{{}}}", fields.join(","))
        })
        .collect();
    format!("[{}]", shown.join(","))
}

/// What is wrong with labels (or a selector) at `field`.
pub(crate) fn label_causes(labels: &Map<String, Value>, field: &str) -> Vec<Cause> {
    let mut causes = Vec::new();
    for (key, value) in labels {
        for why in qualified_name_faults(key) {
            causes.push(Cause::invalid(field, &key.clone().into(), why));
        }
        for why in label_value_faults(value.as_str().unwrap_or_default()) {
            causes.push(Cause::invalid(field, value, why));
        }
    }
    causes
}

/// What is wrong with a name. With `prefix`, a generated suffix still comes.
pub(crate) fn name_faults(name: &str, rule: NameRule, prefix: bool) -> Vec<String> {
    match rule {
        NameRule::Subdomain => limited(name, 253, !is_subdomain(name), SUBDOMAIN_WORDS),
        NameRule::Label => limited(name, 63, !is_label(name), LABEL_WORDS),
        NameRule::Path => {
            let mut faults = Vec::new();
            if !prefix && (name == "." || name == "..") {
                faults.push(format!("may not be '{name}'"));
            }
            for bad in ["/", "%"] {
                if name.contains(bad) {
                    faults.push(format!("may not contain '{bad}'"));
                }
            }
            faults
        }
    }
}

fn limited(name: &str, limit: usize, malformed: bool, words: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if name.len() > limit {
        faults.push(format!("must be no more than {limit} characters"));
    }
    if malformed {
        faults.push(words.to_owned());
    }
    faults
}

/// What is wrong with a qualified name: `prefix/name` or `name`.
pub(crate) fn qualified_name_faults(name: &str) -> Vec<String> {
    let (prefix, name) = match name.split_once('/') {
        None => (None, name),
        Some((_, rest)) if rest.contains('/') => {
            return vec![format!(
                "a qualified name {} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
                NAME_PART_WORDS.trim_start_matches("name part ")
            )];
        }
        Some((prefix, name)) => (Some(prefix), name),
    };
    let mut faults = Vec::new();
    match prefix {
        Some("") => faults.push("prefix part must be non-empty".to_owned()),
        Some(prefix) if !is_subdomain(prefix) => faults.push(format!("prefix part {SUBDOMAIN_WORDS}")),
        _ => {}
    }
    if name.is_empty() {
        faults.push("name part must be non-empty".to_owned());
    } else if name.len() > 63 {
        faults.push("name part must be no more than 63 characters".to_owned());
    }
    if !is_name_part(name) {
        faults.push(NAME_PART_WORDS.to_owned());
    }
    faults
}

/// What is wrong with a label's value.
pub(crate) fn label_value_faults(value: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if value.len() > 63 {
        faults.push("must be no more than 63 characters".to_owned());
    }
    if !value.is_empty() && !is_name_part(value) {
        faults.push(LABEL_VALUE_WORDS.to_owned());
    }
    faults
}

/// Whether a text is an RFC 1123 label (of any length).
pub(crate) fn is_label(text: &str) -> bool {
    let edge = |c: Option<u8>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let bytes = text.as_bytes();
    edge(bytes.first().copied())
        && edge(bytes.last().copied())
        && bytes.iter().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == b'-')
}

fn is_subdomain(text: &str) -> bool {
    text.split('.').all(is_label)
}

fn is_name_part(text: &str) -> bool {
    let edge = |c: Option<u8>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let bytes = text.as_bytes();
    edge(bytes.first().copied())
        && edge(bytes.last().copied())
        && bytes.iter().all(|c| c.is_ascii_alphanumeric() || b"-_.".contains(c))
}

/// The texts in a list field.
pub(crate) fn strings(map: &Map<String, Value>, field: &str) -> Vec<String> {
    map.get(field)
        .and_then(Value::as_array)
        .map(|list| list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        .unwrap_or_default()
}
