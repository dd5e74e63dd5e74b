//! What the `cel` crate lacks of standard CEL, or has wrong.

use std::sync::Arc;

use kube_cel::cel::common::ast::{EntryExpr, Expr, operators};
use kube_cel::cel::objects::ResolveResult;
use kube_cel::cel::{Context, ExecutionError, IdedExpr, Value};

/// The names of types, which rules compare with `type(x)`.
pub(super) const TYPES: [&str; 10] =
    ["bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint"];

/// Adds `type`, `dyn` and `bool`, and the types' names.
///
/// A type as a value is its name. Nothing else can tell: a rule that compared it with a text would not compile.
pub(super) fn complete(mut context: Context<'static>) -> Context<'static> {
    context.add_function("type", type_of);
    context.add_function("dyn", same);
    context.add_function("bool", to_bool);
    for name in TYPES {
        context.add_variable_from_value(name, Value::String(Arc::new(name.to_owned())));
    }
    context
}

fn same(value: Value) -> ResolveResult {
    Ok(value)
}

fn type_of(value: Value) -> ResolveResult {
    let name = match value {
        Value::Bool(_) => "bool",
        Value::Bytes(_) => "bytes",
        Value::Float(_) => "double",
        Value::Int(_) => "int",
        Value::List(_) => "list",
        Value::Map(_) => "map",
        Value::Null => "null_type",
        Value::String(_) => "string",
        Value::UInt(_) => "uint",
        _ => "type",
    };
    Ok(Value::String(Arc::new(name.to_owned())))
}

fn to_bool(value: Value) -> ResolveResult {
    match &value {
        Value::Bool(_) => Ok(value),
        Value::String(text) => match text.as_str() {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Value::Bool(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Value::Bool(false)),
            other => Err(ExecutionError::function_error("bool", format!("{other:?} is no bool"))),
        },
        _ => Err(ExecutionError::function_error("bool", "no such overload")),
    }
}

/// Puts right what the evaluator gets wrong: `a.?b` of a map without `b` is no error but `optional.none()`, as the
/// evaluator knows for `a[?"b"]`.
pub(super) fn repair(expression: &mut IdedExpr) {
    match &mut expression.expr {
        Expr::Call(call) => {
            if call.func_name == operators::OPT_SELECT {
                call.func_name = operators::OPT_INDEX.to_owned();
            }
            call.target.as_deref_mut().into_iter().chain(&mut call.args).for_each(repair);
        }
        Expr::Comprehension(c) => {
            [&mut c.iter_range, &mut c.accu_init, &mut c.loop_cond, &mut c.loop_step, &mut c.result]
                .into_iter()
                .for_each(repair);
        }
        Expr::List(list) => list.elements.iter_mut().for_each(repair),
        Expr::Map(map) => map.entries.iter_mut().for_each(|entry| repair_entry(&mut entry.expr)),
        Expr::Struct(value) => value.entries.iter_mut().for_each(|entry| repair_entry(&mut entry.expr)),
        Expr::Select(select) => repair(&mut select.operand),
        Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => {}
    }
}

fn repair_entry(entry: &mut EntryExpr) {
    match entry {
        EntryExpr::StructField(field) => repair(&mut field.value),
        EntryExpr::MapEntry(entry) => {
            repair(&mut entry.key);
            repair(&mut entry.value);
        }
    }
}
