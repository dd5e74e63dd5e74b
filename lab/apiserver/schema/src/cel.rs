//! `x-kubernetes-validations`: rules in the Common Expression Language.
//!
//! ```text
//!  Rule ──compile──▶ checked against the schema's types, its cost estimated   (when the CRD is written)
//!       ──evaluate─▶ run over the value as `self`, its predecessor as `oldSelf` (when an object is written)
//! ```
//!
//! Parsing and evaluation are the `cel` crate's, Kubernetes' functions (`ip`, `cidr`, `quantity`, …)
//! `kube-cel`'s. Neither has a type checker or a cost model; [`check`] is ours.

mod check;
mod compile;
mod duration;
mod evaluate;
mod functions;
mod rule;
mod types;
mod value;

pub use compile::RuleCost;
pub(crate) use compile::compile;
pub(crate) use duration::parse as parse_duration;
pub(crate) use evaluate::run;
pub use rule::Rule;
