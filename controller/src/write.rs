//! Doing what was decided: patches to the API server, many at once.

mod patch;
mod writer;

/// The body of the patch of ConfigurationState, without a time.
#[cfg(test)]
pub(crate) fn state_patch(
    outlook: &crate::allocate::Outlook,
    before: &[k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition],
) -> serde_json::Value {
    patch::state(outlook, before, k8s_openapi::jiff::Timestamp::UNIX_EPOCH)
}

pub use writer::{Writer, leftovers};
