//! ServiceAccounts.

use super::super::Strategy;

/// The strategy of ServiceAccounts.
#[derive(Debug)]
pub(in crate::registry) struct ServiceAccounts;

impl Strategy for ServiceAccounts {
    fn delete_returns_object(&self) -> bool {
        true
    }
}
