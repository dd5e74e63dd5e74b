//! The cost of CEL rules, as the API server estimates it when a CustomResourceDefinition is
//! written. It refuses one whose rule or message could cost more than 10,000,000 units, or whose
//! rules together could cost more than 100,000,000.
//!
//! The estimate (cel-go's `checker.Cost` with Kubernetes' sizes) by hand, for the rule that comes
//! nearest in each place where a rule runs once per item:
//!
//! - A string of `maxLength` n counts as 4n (bytes). Reading it (`contains`, `trim`, `substring`,
//!   `indexOf`, `isIP`) costs 0.1 per byte, `split` 0.2, `matches` 0.1 per byte of the string
//!   times 0.25 per byte of the expression, a variable or a field 1, a call 1, a list 10.
//! - `spec.addresses[]`, 100 characters = 400: one end of a range is `self.substring(…
//!   self.indexOf(…)).trim()`, about 40 + 40 + 40 + 4 = 124; the rule about order has 6 of them
//!   and two `split` (80 each) and four address parsers (40 each): about 1,300 with the sums, times
//!   2,048 items = 2.7 million.
//! - `matchExpressions[]`: a list (10) of two values (2), looked through, and a few fields, about
//!   21, times 256 selectors × 64 terms = 0.34 million.
//! - `communities[]`, 128 characters = 512: `matches` 52 × 14, `split` 103, and for each of up to
//!   512 parts an `int`, a comparison and a loop step, about 7: about 4,400, times 256 =
//!   1.1 million.
//! - `extendedCommunities[]`, 32 characters = 128: three `matches` of 13 × 6 to 10 = 330, two `split` of 26, and in lists
//!   of one entry a few `int` and comparisons: about 500, times 32 = 16,000.
//! - Distinct names in a Community: each of 256 compared with each of 256 at a cost of one string
//!   (52) and a few fields: about 59 × 65,536 = 3.9 million, the dearest of all.
//!
//! The estimator of the stand-in API server must agree with these figures within a factor of two,
//! so that a mistake there can't hide one here.

#![expect(clippy::unwrap_used, reason = "helpers of tests: a test that cannot go on fails")]

use herald_apiserver_schema::{RuleCost, Schema};
use herald_crds::definition;

const ONE_RULE: u64 = 10_000_000;
const ALL_RULES: u64 = 100_000_000;

/// The costs of all rules and messages, by `kind/version`.
fn costs() -> Vec<(String, Vec<RuleCost>)> {
    let mut costs = Vec::new();
    for definition in definition::all().unwrap() {
        for version in &definition.spec.versions {
            let schema = version.schema.as_ref().unwrap().open_api_v3_schema.as_ref().unwrap();
            let schema = Schema::parse(&serde_json::to_value(schema).unwrap(), "schema").unwrap();
            let name = format!("{}/{}", definition.spec.names.kind, version.name);
            costs.push((name, schema.rule_costs().to_vec()));
        }
    }
    costs
}

/// Half of the limit at most: the estimator of another Kubernetes version may differ.
#[test]
fn no_rule_comes_near_the_limit() {
    for (name, costs) in costs() {
        for cost in costs {
            assert!(cost.total <= ONE_RULE / 2, "{name} {}: {} costs {}", cost.place, cost.expression, cost.total);
        }
    }
}

#[test]
fn no_definition_comes_near_the_limit() {
    for (name, costs) in costs() {
        let sum: u64 = costs.iter().map(|cost| cost.total).sum();
        assert!(sum <= ALL_RULES / 2, "{name} costs {sum}");
    }
}

#[test]
fn the_figures_by_hand_are_about_right() {
    let costs = costs();
    let dearest = |kind: &str, place: &str| {
        let (_, costs) = costs.iter().find(|(name, _)| name == kind).unwrap();
        let here = |cost: &&RuleCost| cost.place.contains(place) && cost.place.ends_with("rule");
        costs.iter().filter(here).map(|cost| cost.total).max().unwrap()
    };
    for (kind, place, by_hand) in [
        ("IPAddressPool/v1beta1", "properties[addresses].items", 2_700_000),
        ("L2Advertisement/v1beta1", "properties[matchExpressions].items", 340_000),
        ("Community/v1beta1", "properties[communities].x-kubernetes-validations", 3_900_000),
        ("BGPAdvertisement/v1beta1", "properties[communities].items", 1_100_000),
        ("BGPAdvertisement/v1beta1", "properties[extendedCommunities].items", 16_000),
    ] {
        let estimate = dearest(kind, place);
        assert!((by_hand / 2..=by_hand * 2).contains(&estimate), "{kind} {place}: {estimate}");
    }
}
