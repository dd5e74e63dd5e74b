//! Bounds of strings, numbers, lists and maps, and enumerations.

use serde_json::{Number, Value};

use super::Walk;
use crate::cause::{Cause, Reason};
use crate::node::{Bounds, Node, Type};
use crate::path::Path;

impl Walk<'_> {
    pub(super) fn check_text(&self, bounds: &Bounds, text: &str, at: &Path<'_>) {
        let length = || u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
        let value = || Value::from(text);
        if let Some(max) = bounds.max_length
            && length() > max
        {
            // The bound counts characters; kube-apiserver's text says bytes all the same.
            let detail = format!("may not be more than {max} bytes");
            self.push(Cause::plain(Reason::TooLong, self.field(at), detail));
        }
        if let Some(min) = bounds.min_length
            && length() < min
        {
            self.fault(Reason::Invalid, at, &value(), &format!("should be at least {min} chars long"));
        }
        if let Some(pattern) = &bounds.pattern
            && !pattern.is_match(text)
        {
            self.fault(Reason::Invalid, at, &value(), &format!("should match '{pattern}'"));
        }
    }

    pub(super) fn check_number(&self, node: &Node, number: &Number, at: &Path<'_>) {
        let bounds = &node.bounds;
        let value = Value::Number(number.clone());
        if let Some(format) = &bounds.format
            && !fits_format(number, format)
        {
            let ty = node.ty.map_or("", Type::as_str);
            self.unplaced(format!("Checked value must be of type {ty} with format {format} in {at}"));
        }
        if let Some(divisor) = &bounds.multiple_of
            && !is_multiple(number, divisor)
        {
            self.fault(Reason::Invalid, at, &value, &format!("should be a multiple of {divisor}"));
        }
        if let Some(max) = &bounds.maximum {
            match compare(number, max) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal if !bounds.exclusive_maximum => {}
                _ if bounds.exclusive_maximum => {
                    self.fault(Reason::Invalid, at, &value, &format!("should be less than {max}"));
                }
                _ => self.fault(Reason::Invalid, at, &value, &format!("should be less than or equal to {max}")),
            }
        }
        if let Some(min) = &bounds.minimum {
            match compare(number, min) {
                std::cmp::Ordering::Greater => {}
                std::cmp::Ordering::Equal if !bounds.exclusive_minimum => {}
                _ if bounds.exclusive_minimum => {
                    self.fault(Reason::Invalid, at, &value, &format!("should be greater than {min}"));
                }
                _ => self.fault(Reason::Invalid, at, &value, &format!("should be greater than or equal to {min}")),
            }
        }
    }

    pub(super) fn check_item_count(&self, bounds: &Bounds, count: usize, at: &Path<'_>) {
        let length = u64::try_from(count).unwrap_or(u64::MAX);
        if let Some(min) = bounds.min_items
            && length < min
        {
            self.fault(Reason::Invalid, at, &Value::from(count), &format!("should have at least {min} items"));
        }
        self.check_most(bounds.max_items, count, at);
    }

    pub(super) fn check_property_count(&self, bounds: &Bounds, value: &Value, count: usize, at: &Path<'_>) {
        let length = u64::try_from(count).unwrap_or(u64::MAX);
        if let Some(min) = bounds.min_properties
            && length < min
        {
            self.fault(Reason::Invalid, at, value, &format!("should have at least {min} properties"));
        }
        self.check_most(bounds.max_properties, count, at);
    }

    fn check_most(&self, max: Option<u64>, count: usize, at: &Path<'_>) {
        let Some(max) = max else { return };
        if u64::try_from(count).unwrap_or(u64::MAX) > max {
            let unit = if max == 1 { "item" } else { "items" };
            let detail = format!("must have at most {max} {unit}");
            self.push(Cause::with_value(Reason::TooMany, self.field(at), &Value::from(count), detail));
        }
    }

    pub(super) fn check_enumeration(&self, bounds: &Bounds, value: &Value, at: &Path<'_>) {
        let Some(allowed) = &bounds.enumeration else { return };
        let equal = |candidate: &Value| match (candidate, value) {
            (Value::Number(a), Value::Number(b)) => compare(a, b).is_eq(),
            (a, b) => a == b,
        };
        if !allowed.iter().any(equal) {
            let texts: Vec<String> = allowed
                .iter()
                .map(|candidate| candidate.as_str().map_or_else(|| candidate.to_string(), str::to_owned))
                .collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            self.push(Cause::not_supported(self.field(at), value, &texts));
        }
    }
}

/// Whether a number fits a format that names a width.
fn fits_format(number: &Number, format: &str) -> bool {
    let whole = || number.as_i64().or_else(|| whole_float(number));
    match format {
        "int32" => whole().is_some_and(|n| i32::try_from(n).is_ok()),
        "int64" => whole().is_some(),
        "uint32" => whole().is_some_and(|n| u32::try_from(n).is_ok()),
        "uint64" => number.is_u64() || whole_float(number).is_some_and(|n| n >= 0),
        "float" | "float32" => number.as_f64().is_some_and(|n| n.abs() <= f64::from(f32::MAX)),
        _ => true,
    }
}

/// A float that stands for a whole number that `i64` can hold.
fn whole_float(number: &Number) -> Option<i64> {
    let float = number.as_f64().filter(|float| float.fract() == 0.0)?;
    format!("{float:.0}").parse().ok()
}

fn is_multiple(number: &Number, divisor: &Number) -> bool {
    match (number.as_i64(), divisor.as_i64()) {
        (Some(number), Some(divisor)) => divisor != 0 && number.checked_rem(divisor) == Some(0),
        _ => match (number.as_f64(), divisor.as_f64()) {
            (Some(number), Some(divisor)) if divisor != 0.0 => (number / divisor).fract() == 0.0,
            _ => false,
        },
    }
}

/// Compares exactly where both are integers, else as floats.
fn compare(a: &Number, b: &Number) -> std::cmp::Ordering {
    let integer = |n: &Number| n.as_i64().map(i128::from).or_else(|| n.as_u64().map(i128::from));
    match (integer(a), integer(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => {
            let float = |n: &Number| n.as_f64().unwrap_or(f64::NAN);
            float(a).total_cmp(&float(b))
        }
    }
}
