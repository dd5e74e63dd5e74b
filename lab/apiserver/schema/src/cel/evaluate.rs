//! Running the rules over an object.

use kube_cel::KubeCelExt;
use kube_cel::cel::common::ast::{EntryExpr, Expr};
use kube_cel::cel::{Context, IdedExpr, Value as CelValue};
use serde_json::Value;

use super::rule::Rule;
use super::value::to_cel;
use crate::cause::{Cause, Reason};
use crate::node::Node;
use crate::path::{FieldName, Path};

thread_local! {
    /// The functions that rules may call. Registering some hundred closures per object would cost
    /// more than the rules themselves, and contexts cannot be shared between threads.
    static FUNCTIONS: Context<'static> = super::standard::complete(Context::default().with_all());
}

/// Runs every rule at and below `node`.
///
/// With `old`, rules over values that did not change are skipped unless they are transition rules:
/// what was accepted once stays accepted.
pub(crate) fn run(node: &Node, new: &Value, old: Option<&Value>, faults: &mut Vec<Cause>) {
    FUNCTIONS.with(|functions| walk(functions, node, new, old, &Path::Root, faults));
}

fn walk(
    functions: &Context<'_>,
    node: &Node,
    new: &Value,
    old: Option<&Value>,
    at: &Path<'_>,
    faults: &mut Vec<Cause>,
) {
    if new.is_null() {
        return;
    }
    run_here(functions, node, new, old, at, faults);
    match new {
        Value::Object(fields) => {
            for (name, field) in fields {
                let Some(child) = node.child(name) else { continue };
                let old = old.and_then(|old| old.get(name));
                let below = if node.properties.contains_key(name) { at.field(name) } else { at.key(name) };
                walk(functions, child, field, old, &below, faults);
            }
        }
        Value::Array(items) => {
            let Some(child) = &node.items else { return };
            for (index, item) in items.iter().enumerate() {
                walk(functions, child, item, node.correlated(item, old), &at.index(index), faults);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn run_here(
    functions: &Context<'_>,
    node: &Node,
    new: &Value,
    old: Option<&Value>,
    at: &Path<'_>,
    faults: &mut Vec<Cause>,
) {
    let old = old.filter(|old| !old.is_null());
    let unchanged = old == Some(new);
    let applicable = |rule: &&Rule| {
        let has_old = old.is_some() || rule.optional_old_self == Some(true);
        if rule.is_transition { has_old } else { !unchanged }
    };
    let mut applicable = node.rules.iter().filter(applicable).peekable();
    if applicable.peek().is_none() {
        return;
    }
    let mut context = functions.new_inner_scope();
    context.add_variable_from_value("self", to_cel(new, Some(node)));
    let old_self = match old {
        // With optionalOldSelf, oldSelf is an optional value instead of the value itself.
        Some(old) => to_cel(old, Some(node)),
        None => CelValue::Null,
    };
    context.add_variable_from_value("oldSelf", old_self.clone());
    for rule in applicable {
        let mut scope = context.new_inner_scope();
        if rule.optional_old_self == Some(true) {
            let wrap = if old.is_some() { "optional.of(oldSelf)" } else { "optional.none()" };
            if let Ok(optional) =
                super::rule::parse(wrap).map_err(|_| ()).and_then(|p| evaluate(&p, &context).map_err(|_| ()))
            {
                scope.add_variable_from_value("oldSelf", optional);
            }
        }
        if let Some(fault) = verdict(rule, &scope, at) {
            faults.push(fault);
        }
    }
}

fn evaluate(program: &IdedExpr, context: &Context<'_>) -> Result<CelValue, String> {
    CelValue::resolve(program, context).map_err(|error| error.to_string())
}

fn verdict(rule: &Rule, context: &Context<'_>, at: &Path<'_>) -> Option<Cause> {
    let field = rule_field(rule, at);
    let Some(program) = &rule.program else {
        return Some(Cause::plain(Reason::Invalid, field, format!("rule compile error: {}", rule.rule)));
    };
    match evaluate(program, context) {
        Ok(CelValue::Bool(true)) => None,
        Ok(CelValue::Bool(false)) => {
            Some(Cause::plain(rule.reason.unwrap_or(Reason::Invalid), field, message(rule, context)))
        }
        Ok(_) => Some(Cause::plain(Reason::Invalid, field, format!("rule did not yield a bool: {}", rule.rule))),
        Err(error) => {
            let text = format!("{} evaluating rule: {}", error, failed(rule));
            Some(Cause::plain(Reason::Invalid, field, text))
        }
    }
}

/// What to say: the message expression's text, unless it fails or is empty, spans lines or is too
/// long; else the message; else the rule.
fn message(rule: &Rule, context: &Context<'_>) -> String {
    const MAX_MESSAGE_BYTES: usize = 5 * 1024;
    if let Some(program) = &rule.message_program
        && let Ok(CelValue::String(text)) = evaluate(program, context)
        && !text.trim().is_empty()
        && !text.contains('\n')
        && text.len() <= MAX_MESSAGE_BYTES
    {
        return text.trim().to_owned();
    }
    failed(rule)
}

fn failed(rule: &Rule) -> String {
    if rule.message.is_empty() { format!("failed rule: {}", rule.rule.trim()) } else { rule.message.trim().to_owned() }
}

/// The field a fault of this rule names: `fieldPath` below the rule's place.
fn rule_field(rule: &Rule, at: &Path<'_>) -> String {
    let place = if rule.field_path.is_empty() { FieldName(at).to_string() } else { at.to_string() };
    let below = field_path_text(&rule.field_path);
    match (place.as_str(), below.strip_prefix('.')) {
        ("", Some(name)) => name.to_owned(),
        _ => format!("{place}{below}"),
    }
}

/// `.a['b.c']` as fields name it: `.a[b.c]`.
fn field_path_text(path: &str) -> String {
    path.replace("['", "[").replace("']", "]")
}

/// Whether an expression speaks of the variable `name`.
pub(crate) fn mentions(expression: &IdedExpr, name: &str) -> bool {
    let any = |expressions: &[IdedExpr]| expressions.iter().any(|expression| mentions(expression, name));
    match &expression.expr {
        Expr::Ident(ident) => ident == name,
        Expr::Call(call) => call.target.as_deref().is_some_and(|target| mentions(target, name)) || any(&call.args),
        Expr::Comprehension(c) => {
            mentions(&c.iter_range, name)
                || mentions(&c.accu_init, name)
                || mentions(&c.loop_cond, name)
                || mentions(&c.loop_step, name)
                || mentions(&c.result, name)
        }
        Expr::List(list) => any(&list.elements),
        Expr::Map(map) => map.entries.iter().any(|entry| entry_mentions(&entry.expr, name)),
        Expr::Struct(value) => value.entries.iter().any(|entry| entry_mentions(&entry.expr, name)),
        Expr::Select(select) => mentions(&select.operand, name),
        Expr::Literal(_) | Expr::Unspecified => false,
    }
}

fn entry_mentions(entry: &EntryExpr, name: &str) -> bool {
    match entry {
        EntryExpr::StructField(field) => mentions(&field.value, name),
        EntryExpr::MapEntry(entry) => mentions(&entry.key, name) || mentions(&entry.value, name),
    }
}
