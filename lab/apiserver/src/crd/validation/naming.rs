//! The names in a definition.

use herald_apiserver_schema::Cause;
use serde_json::Value;

use crate::crd::items;
use crate::meta::text;

const LABEL: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an \
                     alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex \
                     used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or \
                         '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used \
                         for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

pub(super) fn group(group: &str, causes: &mut Vec<Cause>) {
    let value = Value::from(group);
    if group.is_empty() {
        causes.push(Cause::required("spec.group", ""));
    } else if !is_subdomain(group) {
        causes.push(Cause::invalid("spec.group", &value, SUBDOMAIN));
    } else if !group.contains('.') {
        causes.push(Cause::invalid("spec.group", &value, "should be a domain with at least one dot"));
    }
}

/// A name that must be a DNS label.
pub(super) fn label(field: &str, name: &str, causes: &mut Vec<Cause>) {
    if !is_label(name) {
        causes.push(Cause::invalid(field, &Value::from(name), LABEL));
    }
}

pub(super) fn names(spec: &Value, causes: &mut Vec<Cause>) {
    label("spec.names.plural", text(spec, "/names/plural"), causes);
    let names = spec.get("names").unwrap_or(&Value::Null);
    if let Some(singular) = names.get("singular").and_then(Value::as_str) {
        label("spec.names.singular", singular, causes);
    }
    mixed_case("spec.names.kind", text(names, "/kind"), causes);
    for list in ["shortNames", "categories"] {
        for (index, name) in items(names, list).iter().enumerate() {
            label(&format!("spec.names.{list}[{index}]"), name.as_str().unwrap_or_default(), causes);
        }
    }
    let list_kind = text(names, "/listKind");
    mixed_case("spec.names.listKind", list_kind, causes);
    if !list_kind.is_empty() && list_kind == text(names, "/kind") {
        let detail = "kind and listKind may not be the same";
        causes.push(Cause::invalid("spec.names.listKind", &Value::from(list_kind), detail));
    }
}

fn mixed_case(field: &str, name: &str, causes: &mut Vec<Cause>) {
    if name.is_empty() {
        causes.push(Cause::required(field, ""));
    } else if !is_label(&name.to_lowercase()) {
        let detail = format!("may have mixed case, but should otherwise match: {LABEL}");
        causes.push(Cause::invalid(field, &Value::from(name), detail));
    }
}

fn is_label(name: &str) -> bool {
    name.len() <= 63
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('-')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

fn is_subdomain(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('-')
            && !part.ends_with('-')
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    name.len() <= 253 && name.split('.').all(part)
}
