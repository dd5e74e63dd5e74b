//! Strategic merge patch.
use crate::types::Type;
use serde_json::Value;

/// Why a strategic merge patch was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StrategicError(pub String);

/// Applies a strategic merge patch.
///
/// # Errors
/// See [`StrategicError`].
pub fn strategic_merge_patch(document: &Value, patch: &Value, ty: &Type) -> Result<Value, StrategicError> {
    let _ = ty;
    let mut d = document.clone();
    crate::merge::merge_patch(&mut d, patch);
    Ok(d)
}
