//! Which node owns an address?
//!
//! ```text
//!   Question: an address, and per node           elect()             Verdict
//!   what the API and its speaker say   ─────────────────────►  owner, ranking of the rest,
//!   (alive? selected? endpoints? …)     refuse, then rank      and why others are not in it
//! ```
//!
//! Every speaker asks the same question and, having the same inputs, gets the same verdict; that is all the agreement
//! there is. Two steps, each in a module of its own:
//!
//! * [`mod@eligibility`] — who may announce at all, and the first reason for each that may not.
//! * [`mod@ranking`] — MetalLB's order among those: preference score, then SHA-256 of `node#address`. A node that is
//!   not first can come and go without moving anything.
//!
//! Kubernetes' terms are translated by the caller; nothing here knows an object.

mod eligibility;
mod question;
mod ranking;
#[cfg(test)]
mod tests;

pub use eligibility::Reason;
pub use question::{Endpoints, Node, Policy, Presence, Question};
pub use ranking::{Candidate, Digest, Memo, digest, rank};

/// What [`elect`] answers. Names are the question's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict<'a> {
    /// Who announces the address; `None` if nobody may.
    pub owner: Option<&'a str>,
    /// All who may, in order of election. The owner is the first, unless an incumbent holds the address
    /// ([`Question::failback`]). The first who is not the owner is the successor.
    pub ranking: Vec<Candidate<'a>>,
    /// All who may not, in the question's order, each with the first reason.
    pub refused: Vec<(&'a str, Reason)>,
}

impl<'a> Verdict<'a> {
    /// Who takes over when the owner is gone.
    pub fn successor(&self) -> Option<&'a str> {
        self.ranking.iter().map(|c| c.node).find(|node| Some(*node) != self.owner)
    }

    /// Why a node does not announce; `None` if it may or is not in the question.
    pub fn reason(&self, node: &str) -> Option<Reason> {
        self.refused.iter().find(|(name, _)| *name == node).map(|(_, reason)| *reason)
    }
}

/// Decides who owns the address. Depends on nothing but the question, and not on the order of its nodes.
pub fn elect<'a>(question: &Question<'a>) -> Verdict<'a> {
    elect_with(question, &mut Memo::none())
}

/// Like [`elect`], remembering digests: for callers that ask about the same addresses and nodes again and again.
pub fn elect_with<'a>(question: &Question<'a>, memo: &mut Memo) -> Verdict<'a> {
    let (eligible, refused) = eligibility::sift(question);
    let ranking = memo.rank(question.address, eligible.iter().map(|node| node.candidate()));
    let incumbent = || {
        let claims = |name: &str| eligible.iter().any(|n| n.name == name && n.owns_now);
        ranking.iter().find(|c| claims(c.node))
    };
    let holder = if question.failback { None } else { incumbent() };
    let owner = holder.or(ranking.first()).map(|c| c.node);
    Verdict { owner, ranking, refused }
}
