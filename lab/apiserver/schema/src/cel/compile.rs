//! Compiling every rule of a schema, as a CRD is written.

use serde_json::Value;

use super::check::check;
use super::rule::{REASONS, Rule, parse};
use super::types::{Kind, Ty, UNBOUNDED, cardinality};
use crate::cause::Cause;
use crate::node::{Additional, Node, Type};
use crate::path::Path;

/// The most that one rule may cost for one object.
const RULE_LIMIT: u64 = 10_000_000;
/// The most that all rules of a schema may cost for one object.
const SCHEMA_LIMIT: u64 = 100_000_000;
/// The most bytes a message may have.
const MESSAGE_LIMIT: usize = 2048;
/// So many of the dearest rules are named when all together cost too much.
const NAMED: usize = 4;

/// What a rule was estimated to cost at most, in kube-apiserver's unit of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleCost {
    /// Where the rule stands, for example `….properties[spec].x-kubernetes-validations[0].rule`.
    pub place: String,
    /// The rule, or its message expression.
    pub expression: String,
    /// One evaluation.
    pub once: u64,
    /// All evaluations that one object can cause: a rule on list items runs once per item.
    pub total: u64,
}

/// Checks every rule; returns the estimated costs and adds faults as kube-apiserver words them.
pub(crate) fn compile(root: &Node, at: &Path<'_>, faults: &mut Vec<Cause>) -> Vec<RuleCost> {
    let mut compiler = Compiler { faults, costs: Vec::new() };
    compiler.node(root, Kind::Resource, at, Some(1), true);
    let costs = compiler.costs;
    let total = costs.iter().fold(0u64, |sum, cost| sum.saturating_add(cost.total));
    if total > SCHEMA_LIMIT {
        let mut dearest: Vec<&RuleCost> = costs.iter().filter(|cost| cost.total > SCHEMA_LIMIT / 100).collect();
        dearest.sort_by_key(|cost| std::cmp::Reverse(cost.total));
        for cost in dearest.into_iter().take(NAMED) {
            let detail = "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema";
            faults.push(Cause::forbidden(&cost.place, detail));
        }
        let what = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema";
        faults.push(Cause::forbidden(at, exceeds(what, total, SCHEMA_LIMIT)));
    }
    costs
}

struct Compiler<'f> {
    faults: &'f mut Vec<Cause>,
    costs: Vec<RuleCost>,
}

impl Compiler<'_> {
    /// `times`: how many values of this place one object can hold; `None` if nothing bounds it.
    /// `correlates`: whether an old value can be found for each of them.
    fn node(&mut self, node: &Node, kind: Kind, at: &Path<'_>, times: Option<u64>, correlates: bool) {
        let rules = at.field("x-kubernetes-validations");
        for (index, rule) in node.rules.iter().enumerate() {
            self.rule(rule, node, kind, &rules.index(index), times, correlates);
        }
        let properties = at.field("properties");
        for (name, child) in &node.properties {
            self.node(child, child.kind(), &properties.key(name), times, correlates);
        }
        let below = |bound: Option<u64>| times.and_then(|times| bound.map(|bound| times.saturating_mul(bound)));
        if let Some(items) = &node.items {
            let correlates = correlates && node.correlates_items();
            self.node(items, items.kind(), &at.field("items"), below(node.bounds.max_items), correlates);
        }
        if let Additional::Schema(entries) = &node.additional {
            let times = below(node.bounds.max_properties);
            self.node(entries, entries.kind(), &at.field("additionalProperties"), times, correlates);
        }
    }

    fn rule(&mut self, rule: &Rule, node: &Node, kind: Kind, at: &Path<'_>, times: Option<u64>, correlates: bool) {
        let here = at.field("rule");
        if rule.rule.trim().is_empty() {
            self.faults.push(Cause::required(here, "rule is not specified"));
            return;
        }
        self.texts(rule, at);
        if !rule.field_path.is_empty() && !leads_somewhere(node, &rule.field_path) {
            let detail = "fieldPath must be a valid path";
            self.faults.push(Cause::invalid(at.field("fieldPath"), &Value::from(rule.field_path.as_str()), detail));
        }
        let Some(ty) = Ty::of(node, kind) else {
            let detail = "rules are not supported where the schema leaves the type open";
            self.faults.push(Cause::invalid_shown(here, &rule.echo(), detail));
            return;
        };
        let old = if rule.optional_old_self == Some(true) { Ty::Optional(Box::new(ty.clone())) } else { ty.clone() };
        let variables = [("self", ty), ("oldSelf", old)];
        if rule.is_transition && !correlates && rule.optional_old_self != Some(true) {
            let detail = "oldSelf cannot be used on the uncorrelatable portion of the schema";
            self.faults.push(Cause::invalid_shown(here, &rule.echo(), detail));
        }
        let times = times.unwrap_or_else(|| cardinality(node));
        match compile_one(&rule.rule, &variables) {
            Err(text) => {
                self.faults.push(Cause::invalid_shown(here, &rule.echo(), format!("compilation failed: {text}")))
            }
            Ok((ty, _)) if !matches!(ty, Ty::Bool) && !ty.is_dyn() => {
                self.faults.push(Cause::invalid_shown(here, &rule.echo(), "cel expression must evaluate to a bool"));
            }
            Ok((_, once)) => self.cost("estimated rule cost", &here, &rule.rule, once, times),
        }
        if !rule.message_expression.is_empty() {
            self.message_expression(rule, at, &variables, times);
        }
    }

    fn message_expression(&mut self, rule: &Rule, at: &Path<'_>, variables: &[(&str, Ty<'_>)], times: u64) {
        let here = at.field("messageExpression");
        match compile_one(&rule.message_expression, variables) {
            Err(text) => {
                let detail = format!("messageExpression compilation failed: {text}");
                self.faults.push(Cause::invalid_shown(here, &rule.echo(), detail));
            }
            Ok((ty, _)) if !matches!(ty, Ty::String(_)) && !ty.is_dyn() => {
                let detail = "messageExpression must evaluate to a string";
                self.faults.push(Cause::invalid_shown(here, &rule.echo(), detail));
            }
            Ok((_, once)) => {
                self.cost("estimated messageExpression cost", &here, &rule.message_expression, once, times);
            }
        }
    }

    fn cost(&mut self, what: &str, here: &Path<'_>, expression: &str, once: u64, times: u64) {
        let total = once.saturating_mul(times);
        if total > RULE_LIMIT {
            self.faults.push(Cause::forbidden(here, exceeds(what, total, RULE_LIMIT)));
        }
        self.costs.push(RuleCost { place: here.to_string(), expression: expression.to_owned(), once, total });
    }

    fn texts(&mut self, rule: &Rule, at: &Path<'_>) {
        let here = at.field("message");
        let message = Value::from(rule.message.as_str());
        if rule.message.len() > MESSAGE_LIMIT {
            let detail = format!("message must not be longer than {MESSAGE_LIMIT} characters");
            self.faults.push(Cause::invalid(here, &Value::from(format!("{}...", head(&rule.message))), detail));
        }
        if rule.message.trim().contains('\n') {
            self.faults.push(Cause::invalid(here, &message, "message must not contain line breaks"));
        }
        if rule.message.is_empty() && rule.message_expression.is_empty() && rule.rule.trim().contains('\n') {
            let detail = "message must be specified if rule contains line breaks";
            self.faults.push(Cause::required(here, detail));
        }
        if let Some(reason) = rule.reason_text.as_deref()
            && rule.reason.is_none()
        {
            let known: Vec<&str> = REASONS.iter().map(|(name, _)| *name).collect();
            self.faults.push(Cause::not_supported(at.field("reason"), &Value::from(reason), &known));
        }
    }
}

fn head(text: &str) -> &str {
    text.char_indices().nth(10).map_or(text, |(end, _)| &text[..end])
}

fn compile_one<'s>(expression: &str, variables: &[(&str, Ty<'s>)]) -> Result<(Ty<'s>, u64), String> {
    let parsed = parse(expression)?;
    match check(&parsed, variables) {
        Ok(checked) => Ok((checked.ty, checked.cost)),
        Err(fault) => Err(fault.render(expression)),
    }
}

/// `… exceeds budget by factor of 1.5x (try …)`
fn exceeds(what: &str, cost: u64, limit: u64) -> String {
    // Tenths, rounded, without leaving integers; a cost of more than a hundred times is not spelled out.
    let factor = if cost / limit >= 100 {
        "more than 100x".to_owned()
    } else {
        let tenths = (u128::from(cost) * 10 + u128::from(limit) / 2) / u128::from(limit);
        if tenths < 15 {
            let millionths = u128::from(cost) * 1_000_000 / u128::from(limit);
            format!("{}.{:06}x", millionths / 1_000_000, millionths % 1_000_000)
        } else {
            format!("{}.{}x", tenths / 10, tenths % 10)
        }
    };
    debug_assert_ne!(limit, UNBOUNDED);
    format!(
        "{what} exceeds budget by factor of {factor} (try simplifying the rule, or adding maxItems, maxProperties, and \
         maxLength where arrays, maps, and strings are declared)"
    )
}

/// Whether `fieldPath` (`.a.b`, `.a['b.c']`) names something that the schema has.
fn leads_somewhere(node: &Node, path: &str) -> bool {
    let mut rest = path;
    let mut node = node;
    while !rest.is_empty() {
        let (name, tail) = if let Some(quoted) = rest.strip_prefix("['") {
            let Some((name, tail)) = quoted.split_once("']") else { return false };
            (name, tail)
        } else if let Some(plain) = rest.strip_prefix('.') {
            let end = plain.find(['.', '[']).unwrap_or(plain.len());
            plain.split_at(end)
        } else {
            return false;
        };
        if name.is_empty() || node.ty != Some(Type::Object) {
            return false;
        }
        let Some(child) = node.child(name) else { return false };
        node = child;
        rest = tail;
    }
    true
}
