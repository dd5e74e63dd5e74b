//! Bytes in base64, as Go's `encoding/base64` reads them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// Checks that a text is base64.
///
/// # Errors
/// `illegal base64 data at input byte 3`.
pub(super) fn check(value: &Value) -> Result<(), String> {
    let Value::String(text) = value else { return Ok(()) };
    if STANDARD.decode(text).is_ok() {
        return Ok(());
    }
    let is_letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    // A letter that is none, else the group that is not complete.
    let at = text.find(|c| !is_letter(c)).unwrap_or(text.len() / 4 * 4);
    Err(format!("illegal base64 data at input byte {at}"))
}
