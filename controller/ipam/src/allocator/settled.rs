//! Which Services would any other allocator leave alone?

use herald_compiler::Family;

use super::{Allocator, cannot_have_any, understood};
use crate::ServiceRequest;

impl Allocator {
    /// Whether *every* allocator that saw the Service in this version leaves its addresses alone: also one that
    /// remembers other decisions than this one, knows older pools, or has not heard of other Services.
    ///
    /// A controller that takes over asks this of each Service. Only where the answer is no may a write of its
    /// predecessor, decided on this very version and still under way, give the Service an address; everything else
    /// is as it will stay. All Services must have been adopted.
    ///
    /// True for a Service that has one address of each of its families, each in a pool that may give it, which
    /// nobody else has against the rules, and that wishes for nothing but these. Also for one that can have none.
    #[must_use]
    pub fn is_settled(&self, request: &ServiceRequest) -> bool {
        if cannot_have_any(request).is_some() {
            return request.shown.is_empty();
        }
        let one_of_each = request.shown.len() == request.families.len()
            && request.families.iter().all(|family| request.shown.iter().any(|one| Family::of(*one) == *family));
        let Ok(wish) = understood(request) else {
            // It keeps what it has, and can have nothing new.
            return one_of_each || request.shown.is_empty();
        };
        let granted = wish.addresses.is_empty() || wish.addresses.iter().all(|one| request.shown.contains(one));
        // Not "is the address in that pool": other pools may have been there when the other one decided.
        let from_wanted = wish.pool.is_none() || wish.pool.as_deref() == request.recorded_pool.as_deref();
        one_of_each && granted && from_wanted && self.acceptable(request, &request.shown)
    }
}
