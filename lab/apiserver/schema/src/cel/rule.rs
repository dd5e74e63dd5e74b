//! One rule of `x-kubernetes-validations`, and its programs once they are compiled.

use kube_cel::cel::IdedExpr;
use kube_cel::cel::parser::Parser;
use serde_json::Value;

use crate::cause::Reason;

/// One rule as a CRD gives it.
#[derive(Debug, Default)]
pub struct Rule {
    /// The expression; true means valid.
    pub rule: String,
    /// What to say when it is false.
    pub message: String,
    /// An expression for what to say, which may name values.
    pub message_expression: String,
    /// Why the field is refused; `None` if the CRD gives none or one that does not exist.
    pub reason: Option<Reason>,
    /// `reason` as the CRD gives it.
    pub reason_text: Option<String>,
    /// The field to name, relative to the place of the rule: `.name`, `['a.b']`.
    pub field_path: String,
    /// Run a transition rule also without an old value.
    pub optional_old_self: Option<bool>,
    pub(crate) program: Option<IdedExpr>,
    pub(crate) message_program: Option<IdedExpr>,
    /// The rule or its message speaks of `oldSelf`.
    pub(crate) is_transition: bool,
}

impl Rule {
    /// Reads the list of rules of one schema place. Programs that do not parse stay `None`; the
    /// check of the CRD reports them.
    pub(crate) fn read_all(rules: Option<&Value>) -> Vec<Rule> {
        rules.and_then(Value::as_array).into_iter().flatten().map(Rule::read).collect()
    }

    fn read(json: &Value) -> Rule {
        let text = |name: &str| json.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let reason_text = json.get("reason").and_then(Value::as_str).map(str::to_owned);
        let mut rule = Rule {
            rule: text("rule"),
            message: text("message"),
            message_expression: text("messageExpression"),
            reason: reason_text.as_deref().and_then(parse_reason),
            reason_text,
            field_path: text("fieldPath"),
            optional_old_self: json.get("optionalOldSelf").and_then(Value::as_bool),
            ..Rule::default()
        };
        rule.program = program(&rule.rule);
        if !rule.message_expression.is_empty() {
            rule.message_program = program(&rule.message_expression);
        }
        rule.is_transition = rule.program.as_ref().is_some_and(|program| super::evaluate::mentions(program, "oldSelf"));
        rule
    }

    /// The rule as it stands in messages about it: JSON with Go's field names in Go's order.
    pub(crate) fn echo(&self) -> String {
        let text = |text: &str| Value::from(text).to_string();
        let reason = Value::from(self.reason_text.as_deref());
        let optional = Value::from(self.optional_old_self);
        format!(
            r#"{{"Rule":{},"Message":{},"MessageExpression":{},"Reason":{reason},"FieldPath":{},"OptionalOldSelf":{optional}}}"#,
            text(&self.rule),
            text(&self.message),
            text(&self.message_expression),
            text(&self.field_path),
        )
    }
}

/// An expression as it is evaluated.
fn program(expression: &str) -> Option<IdedExpr> {
    let mut program = parse(expression).ok()?;
    super::standard::repair(&mut program);
    Some(program)
}

/// Parses an expression with the syntax that kube-apiserver accepts, optional values included.
pub(crate) fn parse(expression: &str) -> Result<IdedExpr, String> {
    Parser::default().enable_optional_syntax(true).parse(expression).map_err(|errors| errors.to_string())
}

/// The reasons a rule may give.
pub(crate) const REASONS: [(&str, Reason); 4] = [
    ("FieldValueRequired", Reason::Required),
    ("FieldValueInvalid", Reason::Invalid),
    ("FieldValueForbidden", Reason::Forbidden),
    ("FieldValueDuplicate", Reason::Duplicate),
];

fn parse_reason(text: &str) -> Option<Reason> {
    REASONS.iter().find(|(name, _)| *name == text).map(|(_, reason)| *reason)
}
