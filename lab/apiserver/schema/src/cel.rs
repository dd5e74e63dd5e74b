//! `x-kubernetes-validations`: rules in the Common Expression Language.
//!
//! ```text
//!  Rule ──compile──▶ checked against the schema's types, its cost estimated   (when the CRD is written)
//!       ──evaluate─▶ run over the value as `self`, its predecessor as `oldSelf` (when an object is written)
//! ```
//!
//! Parsing and evaluation are the `cel` crate's, Kubernetes' functions (`ip`, `cidr`, `quantity`, …)
//! `kube-cel`'s. Neither has a type checker or a cost model; [`check`] is ours.
//!
//! Known gaps, all on the strict side: `cel.bind`, `optMap`, comprehensions with two variables, `sortBy` and libraries
//! newer than Kubernetes 1.31 do not compile; results of `map`, `filter`, `split` and `string` count as unbounded, as on
//! 1.31, where newer servers know better. Not imitated: the budget of work while an object is checked.

mod check;
mod compile;
mod duration;
mod evaluate;
mod functions;
mod rule;
mod standard;
mod types;
mod value;

pub use compile::RuleCost;
pub(crate) use compile::compile;
pub(crate) use duration::parse as parse_duration;
pub(crate) use evaluate::run;
pub use rule::Rule;
