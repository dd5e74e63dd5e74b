//! Moving a Service once because its user asks for it (`metallb.io/reallocate`).
//!
//! It gets what it would get if it were new, but not what it has already, if anything else can be had. So it
//! leaves an address that is retained, orphaned or a duplicate, and in a pool that is in order it goes to
//! another address. What can't be replaced stays: nobody loses an address, nor one of two families, by asking.

use std::net::IpAddr;

use super::{Allocator, understood};
use crate::choose::{Choice, Leaving};
use crate::{Cause, Decision, Holding, NotMoved, Refusal, Remark, ServiceRequest};

impl Allocator {
    /// Like [`decide`](Self::decide) for a Service that asks to be moved. Saying so again, before what was decided
    /// is written, does not move it again.
    pub fn reallocate(&mut self, request: &ServiceRequest) -> Decision {
        let mut decision = self.decide(request);
        let mut left = request.shown.clone();
        let (holding, remarks) = match &mut decision {
            Decision::Keep { holding, remarks } => (holding, remarks),
            // Its status lost what it has.
            Decision::Assign { holding, cause: Cause::Restored, remarks } => {
                left.extend(&holding.addresses);
                (holding, remarks)
            }
            // It keeps a part.
            Decision::Assign { holding, cause: Cause::AdditionalFamily(_) | Cause::OtherFamilies, remarks }
                if holding.addresses.iter().any(|address| left.contains(address)) =>
            {
                (holding, remarks)
            }
            // It waits, or what it is about to get is new.
            Decision::Assign { .. } | Decision::Pending { .. } => return decision,
        };
        match self.elsewhere(request, &holding.addresses, &left) {
            Ok(Choice { addresses, pool, no_second }) => {
                remarks.retain(|remark| matches!(remark, Remark::Duplicate(one) if addresses.contains(&one.address())));
                remarks.extend(no_second.map(Remark::NoSecondFamily));
                let (holding, remarks) = (Holding { addresses, pool: Some(pool) }, std::mem::take(remarks));
                self.hold(request, holding, Cause::Reallocated, remarks)
            }
            Err(why) => {
                remarks.push(Remark::NotMoved(why));
                decision
            }
        }
    }

    /// What a Service that has `addresses` would move to, so that it leaves those of `left`.
    fn elsewhere(&self, request: &ServiceRequest, addresses: &[IpAddr], left: &[IpAddr]) -> Result<Choice, NotMoved> {
        let wish = understood(request).map_err(|invalid| NotMoved::Refused(Refusal::Invalid(invalid).into()))?;
        if !wish.addresses.is_empty() {
            return Err(NotMoved::Requested);
        }
        let refusal = match self.choose(request, wish, Leaving { addresses: left, may_stay: false }) {
            Ok(other) if other.addresses.len() >= addresses.len() => return Ok(other),
            Ok(other) => other.no_second.unwrap_or(Refusal::NoneAvailable(Vec::new())),
            Err(refusal) => refusal,
        };
        // Of two families perhaps one can be moved.
        let new = |address: &IpAddr| !left.contains(address) && !addresses.contains(address);
        let partly = self.choose(request, wish, Leaving { addresses: left, may_stay: true }).ok();
        partly
            .filter(|choice| choice.addresses.len() >= addresses.len() && choice.addresses.iter().any(new))
            .ok_or(NotMoved::Refused(refusal.into()))
    }
}
