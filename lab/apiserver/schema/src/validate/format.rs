//! `format` of strings.
//!
//! Only the formats that kube-apiserver knows are checked; any other is a remark.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use base64::Engine;
use regex::Regex;
use serde_json::Value;

use super::Walk;
use crate::cause::Reason;
use crate::node::{Node, Type};
use crate::path::Path;

impl Walk<'_> {
    pub(super) fn check_format(&self, node: &Node, text: &str, at: &Path<'_>) {
        let Some(format) = &node.bounds.format else { return };
        if matches!(node.ty, Some(Type::Integer | Type::Number)) || fits(format, text) {
            return;
        }
        let message = format!("must be of type {format}: {}", crate::quote(text));
        self.fault(Reason::TypeInvalid, at, &Value::from(text), &message);
    }
}

fn fits(format: &str, text: &str) -> bool {
    match format {
        "date-time" | "datetime" => is_date_time(text),
        "date" => DATE.as_ref().is_none_or(|regex| regex.is_match(text)),
        "duration" => crate::cel::parse_duration(text).is_some(),
        "byte" => base64::engine::general_purpose::STANDARD.decode(text).is_ok(),
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "cidr" => is_cidr(text),
        "mac" => MAC.as_ref().is_none_or(|regex| regex.is_match(text)),
        "uuid" => UUID.as_ref().is_none_or(|regex| regex.is_match(text)),
        "hostname" => is_dns_name(text, 255),
        "k8s-short-name" => text.len() <= 63 && !text.contains('.') && is_dns_name(text, 63),
        "k8s-long-name" => is_dns_name(text, 253),
        "uri" => text.split_once(':').is_some_and(|(scheme, _)| !scheme.is_empty()) || text.starts_with('/'),
        "email" => text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty()),
        _ => true,
    }
}

static DATE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$").ok());
static MAC: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}$").ok());
static UUID: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$").ok());

/// RFC 3339, and the forms without a zone that the original takes too.
fn is_date_time(text: &str) -> bool {
    chrono::DateTime::parse_from_rfc3339(text).is_ok()
        || chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").is_ok()
}

fn is_cidr(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    let Ok(length) = length.parse::<u8>() else { return false };
    match (address.parse::<Ipv4Addr>(), address.parse::<Ipv6Addr>()) {
        (Ok(_), _) => length <= 32,
        (_, Ok(_)) => length <= 128,
        _ => false,
    }
}

/// RFC 1123: labels of letters, digits and inner hyphens, joined by dots.
fn is_dns_name(text: &str, max: usize) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    text.len() <= max && text.split('.').all(is_label)
}
