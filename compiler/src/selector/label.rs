//! What may be a label key or value: Kubernetes' rules for qualified names and DNS subdomains.
//!
//! A selector with a key or value that no label can have would silently match nothing (or, with
//! `NotIn`, everything); Kubernetes refuses it, and so do we.

use super::SelectorError;

const NAME_MAX: usize = 63;
const PREFIX_MAX: usize = 253;

pub(super) fn check_key(key: &str, operator: &str) -> Result<(), SelectorError> {
    let valid = match key.split_once('/') {
        Some((prefix, name)) => is_subdomain(prefix) && is_name(name),
        None => is_name(key),
    };
    valid.then_some(()).ok_or_else(|| SelectorError::InvalidKey { key: key.into(), operator: operator.into() })
}

pub(super) fn check_value(key: &str, operator: &str, value: &str) -> Result<(), SelectorError> {
    let valid = value.is_empty() || is_name(value);
    valid.then_some(()).ok_or_else(|| SelectorError::InvalidValue {
        key: key.into(),
        operator: operator.into(),
        value: value.into(),
    })
}

/// `([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]`, at most 63 bytes.
fn is_name(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    text.len() <= NAME_MAX && text.bytes().all(inner) && has_alphanumeric_ends(text)
}

/// DNS-1123 subdomain: lower-case labels joined by dots, at most 253 bytes.
fn is_subdomain(text: &str) -> bool {
    let is_label = |label: &str| {
        let inner = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        label.bytes().all(inner) && has_alphanumeric_ends(label)
    };
    text.len() <= PREFIX_MAX && text.split('.').all(is_label)
}

fn has_alphanumeric_ends(text: &str) -> bool {
    let is_end = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    is_end(text.bytes().next()) && is_end(text.bytes().last())
}
