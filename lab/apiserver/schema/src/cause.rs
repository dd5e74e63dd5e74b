//! What is wrong with a value, in the words of kube-apiserver.
//!
//! A refused object is answered with HTTP 422 and a `Status` whose `details.causes` list one
//! [`Cause`] per fault. Its `message` repeats them all: see [`summary`].

use std::fmt;

use serde_json::{Value, json};

/// Why a field was refused: `details.causes[].reason` of a `Status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// A required field is missing.
    Required,
    /// The value is malformed or out of its bounds.
    Invalid,
    /// The value has the wrong JSON type or does not fit its `format`.
    TypeInvalid,
    /// The value is not one of an enumeration.
    NotSupported,
    /// The value is well formed but not allowed here.
    Forbidden,
    /// A string is longer than `maxLength`.
    TooLong,
    /// A list or map has more entries than `maxItems` or `maxProperties`.
    TooMany,
    /// A set or list-map holds the same value or key twice.
    Duplicate,
    /// The value names something that does not exist.
    NotFound,
    /// The check itself failed.
    Internal,
}

impl Reason {
    /// The text in `details.causes[].reason`, for example `FieldValueRequired`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::Required => "FieldValueRequired",
            Reason::Invalid => "FieldValueInvalid",
            Reason::TypeInvalid => "FieldValueTypeInvalid",
            Reason::NotSupported => "FieldValueNotSupported",
            Reason::Forbidden => "FieldValueForbidden",
            Reason::TooLong => "FieldValueTooLong",
            Reason::TooMany => "FieldValueTooMany",
            Reason::Duplicate => "FieldValueDuplicate",
            Reason::NotFound => "FieldValueNotFound",
            Reason::Internal => "InternalError",
        }
    }

    /// The words that open a message, for example `Required value`.
    fn words(self) -> &'static str {
        match self {
            Reason::Required => "Required value",
            Reason::Invalid | Reason::TypeInvalid => "Invalid value",
            Reason::NotSupported => "Unsupported value",
            Reason::Forbidden => "Forbidden",
            Reason::TooLong => "Too long",
            Reason::TooMany => "Too many",
            Reason::Duplicate => "Duplicate value",
            Reason::NotFound => "Not found",
            Reason::Internal => "Internal error",
        }
    }

    /// Whether CEL rules are skipped once a value was refused for this reason: a rule may then
    /// meet a type it was not compiled for, or a list longer than its cost was estimated for.
    pub(crate) fn blocks_rules(self) -> bool {
        matches!(
            self,
            Reason::NotSupported | Reason::Required | Reason::TooLong | Reason::TooMany | Reason::TypeInvalid
        )
    }
}

/// One fault of an object, as in `details.causes[]` of a `Status`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Why the field was refused.
    pub reason: Reason,
    /// The text after the field, for example `Invalid value: -1: must be positive`.
    pub message: String,
    /// The field, for example `spec.addresses[0]`; `<nil>` when no field can be named.
    pub field: String,
}

/// The field of a cause that concerns no field.
pub(crate) const NO_FIELD: &str = "<nil>";

impl Cause {
    /// A fault that shows the refused value: `Invalid value: "x": detail`.
    pub fn with_value(reason: Reason, field: impl fmt::Display, value: &Value, detail: impl fmt::Display) -> Self {
        let message = match detail.to_string() {
            detail if detail.is_empty() => format!("{}: {}", reason.words(), GoValue(value)),
            detail => format!("{}: {}: {detail}", reason.words(), GoValue(value)),
        };
        Cause { reason, message, field: field.to_string() }
    }

    /// A fault that shows no value: `Required value: detail`.
    pub fn plain(reason: Reason, field: impl fmt::Display, detail: impl fmt::Display) -> Self {
        let message = match detail.to_string() {
            detail if detail.is_empty() => reason.words().to_owned(),
            detail => format!("{}: {detail}", reason.words()),
        };
        Cause { reason, message, field: field.to_string() }
    }

    /// `Invalid value: VALUE: detail`.
    pub fn invalid(field: impl fmt::Display, value: &Value, detail: impl fmt::Display) -> Self {
        Self::with_value(Reason::Invalid, field, value, detail)
    }

    /// `Invalid value: SHOWN: detail`, for a value whose text is already made.
    pub fn invalid_shown(field: impl fmt::Display, shown: &str, detail: impl fmt::Display) -> Self {
        let message = format!("{}: {shown}: {detail}", Reason::Invalid.words());
        Cause { reason: Reason::Invalid, message, field: field.to_string() }
    }

    /// `Required value: detail` (or without a detail when it is empty).
    pub fn required(field: impl fmt::Display, detail: impl fmt::Display) -> Self {
        Self::plain(Reason::Required, field, detail)
    }

    /// `Forbidden: detail`.
    pub fn forbidden(field: impl fmt::Display, detail: impl fmt::Display) -> Self {
        Self::plain(Reason::Forbidden, field, detail)
    }

    /// `Duplicate value: VALUE`.
    pub fn duplicate(field: impl fmt::Display, value: &Value) -> Self {
        Self::with_value(Reason::Duplicate, field, value, "")
    }

    /// `Unsupported value: VALUE: supported values: "a", "b"`.
    pub fn not_supported(field: impl fmt::Display, value: &Value, supported: &[&str]) -> Self {
        let list: Vec<String> = supported.iter().map(|s| quote(s)).collect();
        let detail = format!("supported values: {}", list.join(", "));
        Self::with_value(Reason::NotSupported, field, value, detail)
    }

    /// The entry in `details.causes[]`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({"reason": self.reason.as_str(), "message": self.message, "field": self.field})
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

/// The faults as the tail of `Kind "name" is invalid: …`: one as it stands, several in brackets,
/// each text once.
#[must_use]
pub fn summary(causes: &[Cause]) -> String {
    let mut texts: Vec<String> = Vec::with_capacity(causes.len());
    for text in causes.iter().map(Cause::to_string) {
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    match texts.as_slice() {
        [one] => one.clone(),
        many => format!("[{}]", many.join(", ")),
    }
}

/// A JSON value as Go's `field.Error` prints it: strings quoted, scalars bare, the rest as JSON.
struct GoValue<'a>(&'a Value);

impl fmt::Display for GoValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::String(text) => f.write_str(&quote(text)),
            other => write!(f, "{other}"),
        }
    }
}

/// Go's `%q`: double quotes, with control characters, quotes and backslashes escaped.
#[must_use]
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if u32::from(c) < 0x20 || u32::from(c) == 0x7f => {
                out.push_str(&format!("\\x{:02x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
