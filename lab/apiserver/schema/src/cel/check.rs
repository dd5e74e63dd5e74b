//! Type checking of rules, and how much work one evaluation is at most.
//!
//! Both follow cel-go as kube-apiserver configures it: the same types, the same rules for operators,
//! the same unit of work (about one step of the interpreter; a tenth per byte of text walked over;
//! a quarter per byte of regular expression). One difference: checking ends at the first fault.

mod call;
mod operators;

use kube_cel::cel::IdedExpr;
use kube_cel::cel::common::ast::{ComprehensionExpr, EntryExpr, Expr, LiteralValue, SelectExpr};

use super::standard::TYPES;
use super::types::{Ty, UNBOUNDED};

/// What is known of an expression.
#[derive(Clone, Debug)]
pub(super) struct Checked<'s> {
    pub(super) ty: Ty<'s>,
    /// The work of one evaluation, at most.
    pub(super) cost: u64,
}

/// The work of making a list, a map; cel-go's constants.
const LIST_COST: u64 = 10;
const MAP_COST: u64 = 30;

/// Why an expression does not compile, as the compiler of kube-apiserver prints it.
#[derive(Debug)]
pub(super) struct Fault {
    /// The piece of source text the fault points at; its first occurrence is shown. (The parser
    /// keeps no positions.)
    needle: String,
    text: String,
}

impl Fault {
    fn new(needle: impl Into<String>, text: impl Into<String>) -> Fault {
        Fault { needle: needle.into(), text: text.into() }
    }

    /// `ERROR: <input>:1:5: undefined field 'x'`, the line, and a caret.
    pub(super) fn render(&self, source: &str) -> String {
        let offset = source.find(&self.needle).unwrap_or(0);
        let start = source[..offset].rfind('\n').map_or(0, |newline| newline + 1);
        let row = source[..offset].matches('\n').count() + 1;
        let line = source[start..].lines().next().unwrap_or_default();
        let column = source[start..offset].chars().count();
        format!("ERROR: <input>:{row}:{}: {}\n | {line}\n | {}^", column + 1, self.text, ".".repeat(column))
    }
}

/// Checks an expression in which the given variables exist.
pub(super) fn check<'s>(expression: &IdedExpr, variables: &[(&str, Ty<'s>)]) -> Result<Checked<'s>, Fault> {
    let scope = variables.iter().map(|(name, ty)| ((*name).to_owned(), ty.clone())).collect();
    Checker { scope }.expression(expression)
}

struct Checker<'s> {
    /// Variables, innermost last.
    scope: Vec<(String, Ty<'s>)>,
}

impl<'s> Checker<'s> {
    fn expression(&mut self, expression: &IdedExpr) -> Result<Checked<'s>, Fault> {
        match &expression.expr {
            Expr::Literal(literal) => Ok(Checked { ty: literal_type(literal), cost: 0 }),
            Expr::Ident(name) => self.ident(name),
            Expr::Select(select) => self.select(select),
            Expr::Call(call) => self.call(call),
            Expr::List(list) => {
                let (mut item, mut cost) = (Ty::Free, LIST_COST);
                for element in &list.elements {
                    let element = self.expression(element)?;
                    cost = cost.saturating_add(element.cost);
                    item = item.join(&element.ty).unwrap_or(Ty::Dyn(UNBOUNDED));
                }
                let size = u64::try_from(list.elements.len()).unwrap_or(UNBOUNDED);
                Ok(Checked { ty: Ty::List(Box::new(item), size), cost })
            }
            Expr::Map(map) => {
                let (mut key_type, mut value_type, mut cost) = (Ty::Free, Ty::Free, MAP_COST);
                for entry in &map.entries {
                    let EntryExpr::MapEntry(entry) = &entry.expr else {
                        return Err(Fault::new("{", "unsupported map entry"));
                    };
                    let (key, value) = (self.expression(&entry.key)?, self.expression(&entry.value)?);
                    cost = cost.saturating_add(key.cost).saturating_add(value.cost);
                    key_type = key_type.join(&key.ty).unwrap_or(Ty::Dyn(UNBOUNDED));
                    value_type = value_type.join(&value.ty).unwrap_or(Ty::Dyn(UNBOUNDED));
                }
                let size = u64::try_from(map.entries.len()).unwrap_or(UNBOUNDED);
                Ok(Checked { ty: Ty::Map(Box::new(key_type), Box::new(value_type), size), cost })
            }
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
            Expr::Struct(message) => {
                let text = format!("undeclared reference to '{}' (in container '')", message.type_name);
                Err(Fault::new(&message.type_name, text))
            }
            Expr::Unspecified => Err(Fault::new("", "unsupported expression")),
        }
    }

    fn variable(&self, name: &str) -> Option<&Ty<'s>> {
        self.scope.iter().rev().find(|(variable, _)| variable == name).map(|(_, ty)| ty)
    }

    fn ident(&self, name: &str) -> Result<Checked<'s>, Fault> {
        match self.variable(name) {
            Some(ty) => Ok(Checked { ty: ty.clone(), cost: 1 }),
            None if TYPES.contains(&name) => Ok(Checked { ty: Ty::Type, cost: 1 }),
            None => Err(undeclared(name)),
        }
    }

    fn select(&mut self, select: &SelectExpr) -> Result<Checked<'s>, Fault> {
        let operand = self.expression(&select.operand)?;
        let needle = format!(".{}", select.field);
        if !operand.ty.has_fields() {
            let text = format!("type '{}' does not support field selection", operand.ty);
            return Err(Fault::new(needle, text));
        }
        let Some(field) = operand.ty.field(&select.field) else {
            return Err(Fault::new(needle, format!("undefined field '{}'", select.field)));
        };
        if select.test {
            return Ok(Checked { ty: Ty::Bool, cost: operand.cost });
        }
        Ok(Checked { ty: field, cost: operand.cost.saturating_add(1) })
    }

    fn comprehension(&mut self, comprehension: &ComprehensionExpr) -> Result<Checked<'s>, Fault> {
        let range = self.expression(&comprehension.iter_range)?;
        let item = match &range.ty {
            Ty::List(item, _) => (**item).clone(),
            Ty::Map(key, _, _) => (**key).clone(),
            Ty::Dyn(_) | Ty::Free => Ty::Dyn(UNBOUNDED),
            other => {
                let text = format!(
                    "expression of type '{other}' cannot be range of a comprehension (must be list, map, or dynamic)"
                );
                return Err(Fault::new("", text));
            }
        };
        let init = self.expression(&comprehension.accu_init)?;
        let depth = self.scope.len();
        self.scope.push((comprehension.accu_var.clone(), init.ty.clone()));
        self.scope.push((comprehension.iter_var.clone(), item));
        let condition = self.expression(&comprehension.loop_cond)?;
        let step = self.expression(&comprehension.loop_step)?;
        self.scope.truncate(depth);
        // A list that gains at most one item per step is not longer than what was walked over, but only Kubernetes
        // 1.33 and newer go by that.
        let accumulated = init.ty.join(&step.ty).unwrap_or(Ty::Dyn(UNBOUNDED)).without_bounds();
        self.scope.push((comprehension.accu_var.clone(), accumulated));
        let result = self.expression(&comprehension.result);
        self.scope.truncate(depth);
        let result = result?;
        let per_step = condition.cost.saturating_add(step.cost);
        let cost = range.cost.saturating_add(init.cost).saturating_add(result.cost);
        let cost = cost.saturating_add(range.ty.size().saturating_mul(per_step));
        Ok(Checked { ty: result.ty, cost })
    }
}

fn undeclared(name: &str) -> Fault {
    Fault::new(name, format!("undeclared reference to '{name}' (in container '')"))
}

fn literal_type<'s>(literal: &LiteralValue) -> Ty<'s> {
    let size = |length: usize| u64::try_from(length).unwrap_or(UNBOUNDED);
    match literal {
        LiteralValue::Boolean(_) => Ty::Bool,
        LiteralValue::Int(_) => Ty::Int,
        LiteralValue::UInt(_) => Ty::Uint,
        LiteralValue::Double(_) => Ty::Double,
        LiteralValue::Null => Ty::Null,
        LiteralValue::String(text) => Ty::String(size(text.inner().len())),
        LiteralValue::Bytes(bytes) => Ty::Bytes(size(bytes.inner().len())),
    }
}

/// The work of walking over `size` bytes of text.
fn scan(size: u64) -> u64 {
    size.div_ceil(10)
}
