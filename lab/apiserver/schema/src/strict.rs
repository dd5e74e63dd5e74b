//! Strict decoding: fields given twice in the text of a body.
//!
//! `serde_json::Value` keeps the last of two equal keys and forgets the others, so the text itself
//! is read once more for `fieldValidation=Strict` and `Warn`.

/// The fields that a JSON text gives twice, as paths (`spec.x`), each once, in order of appearance.
///
/// Text that is not JSON yields nothing: decoding reports that.
#[must_use]
pub fn duplicate_fields(_text: &[u8]) -> Vec<String> {
    Vec::new()
}

/// `strict decoding error: unknown field "a", duplicate field "b"`, or `None` when both are empty.
#[must_use]
pub fn strict_decoding_error(_unknown: &[String], _duplicate: &[String]) -> Option<String> {
    None
}
