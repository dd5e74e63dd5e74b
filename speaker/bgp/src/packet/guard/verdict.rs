//! The worst of several errors.

use crate::packet::Notification;
use crate::packet::update::Treatment;

/// What one wrong attribute amounts to, short of a reset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The attribute counts as absent.
    Discard,
    /// The routes count as withdrawn; where there are none, this is the answer.
    Withdraw(Notification),
}

/// The worst so far.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    treatment: Treatment,
    answer: Option<Notification>,
}

impl Verdict {
    /// `attribute`, or 0 if there is none to name, is wrong. Of equal faults the first is told.
    pub(super) fn blame(&mut self, attribute: u8, fault: Fault) {
        match (fault, self.treatment) {
            (Fault::Discard, Treatment::Accept) => self.treatment = Treatment::DiscardAttribute { attribute },
            (Fault::Withdraw(answer), Treatment::Accept | Treatment::DiscardAttribute { .. }) => {
                self.treatment = Treatment::TreatAsWithdraw { attribute };
                self.answer = Some(answer);
            }
            _ => {}
        }
    }

    /// The verdict on a message that announces routes, or doesn't: without routes nothing can be treated as withdrawn, and
    /// perhaps the routes are what could not be read (RFC 7606 §5.2).
    pub(super) fn finish(self, routes: bool) -> Result<Treatment, Notification> {
        match self.answer {
            Some(answer) if !routes => Err(answer),
            _ => Ok(self.treatment),
        }
    }
}
