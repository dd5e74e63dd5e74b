//! Operators: what they take, what they give, what they cost.

use kube_cel::cel::IdedExpr;
use kube_cel::cel::common::ast::operators as op;

use super::{Checked, Checker, Fault, scan};
use crate::cel::types::{Ty, UNBOUNDED};

impl<'s> Checker<'s> {
    /// Checks an operator's call; `None` if `name` is no operator.
    pub(super) fn operator(&mut self, name: &str, args: &[IdedExpr]) -> Option<Result<Checked<'s>, Fault>> {
        let known = matches!(
            name,
            op::CONDITIONAL
                | op::LOGICAL_AND
                | op::LOGICAL_OR
                | op::LOGICAL_NOT
                | op::NOT_STRICTLY_FALSE
                | op::EQUALS
                | op::NOT_EQUALS
                | op::LESS
                | op::LESS_EQUALS
                | op::GREATER
                | op::GREATER_EQUALS
                | op::ADD
                | op::SUBSTRACT
                | op::MULTIPLY
                | op::DIVIDE
                | op::MODULO
                | op::NEGATE
                | op::INDEX
                | op::OPT_INDEX
                | op::OPT_SELECT
                | op::IN
        );
        known.then(|| self.known_operator(name, args))
    }

    fn known_operator(&mut self, name: &str, args: &[IdedExpr]) -> Result<Checked<'s>, Fault> {
        let args = args.iter().map(|arg| self.expression(arg)).collect::<Result<Vec<_>, _>>()?;
        let spent = args.iter().fold(0u64, |sum, arg| sum.saturating_add(arg.cost));
        let found = match args.as_slice() {
            [one] => unary(name, one, spent),
            [a, b] => binary(name, &a.ty, &b.ty, spent),
            [condition, yes, no] => conditional(condition, yes, no),
            _ => None,
        };
        found.ok_or_else(|| mismatch(name, &args))
    }
}

/// `found no matching overload for '_==_' applied to '(string, int)'`
fn mismatch(name: &str, args: &[Checked<'_>]) -> Fault {
    let types: Vec<String> = args.iter().map(|arg| arg.ty.to_string()).collect();
    let text = format!("found no matching overload for '{name}' applied to '({})'", types.join(", "));
    Fault::new(name.trim_matches('_').trim_matches('@'), text)
}

fn is_bool(ty: &Ty<'_>) -> bool {
    ty.is_dyn() || matches!(ty, Ty::Bool)
}

fn unary<'s>(name: &str, arg: &Checked<'s>, spent: u64) -> Option<Checked<'s>> {
    let cost = spent.saturating_add(1);
    match name {
        op::LOGICAL_NOT | op::NOT_STRICTLY_FALSE if is_bool(&arg.ty) => Some(Checked { ty: Ty::Bool, cost }),
        op::NEGATE if arg.ty.is_dyn() || matches!(arg.ty, Ty::Int | Ty::Double) => {
            Some(Checked { ty: arg.ty.clone(), cost })
        }
        _ => None,
    }
}

fn conditional<'s>(condition: &Checked<'s>, yes: &Checked<'s>, no: &Checked<'s>) -> Option<Checked<'s>> {
    let ty = yes.ty.join(&no.ty).filter(|_| is_bool(&condition.ty))?;
    Some(Checked { ty, cost: condition.cost.saturating_add(yes.cost.max(no.cost)) })
}

fn binary<'s>(name: &str, a: &Ty<'s>, b: &Ty<'s>, spent: u64) -> Option<Checked<'s>> {
    let (ty, work) = match name {
        op::LOGICAL_AND | op::LOGICAL_OR => (Ty::Bool, 0),
        op::EQUALS | op::NOT_EQUALS => (a.join(b).map(|_| Ty::Bool)?, compare_work(a, b)),
        op::LESS | op::LESS_EQUALS | op::GREATER | op::GREATER_EQUALS => {
            (Some(Ty::Bool).filter(|_| is_ordered(a, b))?, compare_work(a, b))
        }
        op::ADD => (sum(a, b)?, add_work(a, b)),
        op::SUBSTRACT => (difference(a, b)?, 1),
        op::MULTIPLY | op::DIVIDE => (same_number(a, b, true)?, 1),
        op::MODULO => (same_number(a, b, false)?, 1),
        op::INDEX => (item(a, b)?, 1),
        op::OPT_INDEX => (optional(item(a, b)?), 1),
        // The field stands as a text literal that the parser made; its value is not at hand here.
        op::OPT_SELECT => (optional(Ty::Dyn(UNBOUNDED)), 1),
        op::IN => (Ty::Bool, membership_work(a, b)?),
        _ => return None,
    };
    let logical = matches!(name, op::LOGICAL_AND | op::LOGICAL_OR);
    if logical && !(is_bool(a) && is_bool(b)) {
        return None;
    }
    Some(Checked { ty, cost: spent.saturating_add(work) })
}

/// Comparing ends with the shorter of the two.
fn compare_work(a: &Ty<'_>, b: &Ty<'_>) -> u64 {
    scan(a.size().min(b.size()))
}

fn add_work(a: &Ty<'_>, b: &Ty<'_>) -> u64 {
    match a {
        Ty::String(_) | Ty::Bytes(_) | Ty::Dyn(_) => scan(a.size().saturating_add(b.size())),
        _ => 1,
    }
}

fn is_ordered(a: &Ty<'_>, b: &Ty<'_>) -> bool {
    let orderable = |ty: &Ty<'_>| {
        ty.is_dyn()
            || ty.is_numeric()
            || matches!(ty, Ty::Bool | Ty::String(_) | Ty::Bytes(_) | Ty::Timestamp | Ty::Duration)
    };
    // Numbers of different types can be ordered, though not be equal.
    orderable(a) && orderable(b) && ((a.is_numeric() && b.is_numeric()) || a.join(b).is_some())
}

fn sum<'s>(a: &Ty<'s>, b: &Ty<'s>) -> Option<Ty<'s>> {
    Some(match (a, b) {
        (Ty::String(n), Ty::String(m)) => Ty::String(n.saturating_add(*m)),
        (Ty::Bytes(n), Ty::Bytes(m)) => Ty::Bytes(n.saturating_add(*m)),
        (Ty::List(x, n), Ty::List(y, m)) => Ty::List(Box::new(x.join(y)?), n.saturating_add(*m)),
        (Ty::Timestamp, Ty::Duration) | (Ty::Duration, Ty::Timestamp) => Ty::Timestamp,
        (Ty::Duration, Ty::Duration) => Ty::Duration,
        (Ty::Dyn(_), Ty::List(..) | Ty::String(_) | Ty::Bytes(_)) => b.clone(),
        (Ty::List(..) | Ty::String(_) | Ty::Bytes(_), Ty::Dyn(_)) => a.clone(),
        _ => same_number(a, b, true)?,
    })
}

fn difference<'s>(a: &Ty<'s>, b: &Ty<'s>) -> Option<Ty<'s>> {
    Some(match (a, b) {
        (Ty::Timestamp, Ty::Duration) => Ty::Timestamp,
        (Ty::Timestamp, Ty::Timestamp) | (Ty::Duration, Ty::Duration) => Ty::Duration,
        _ => same_number(a, b, true)?,
    })
}

fn same_number<'s>(a: &Ty<'s>, b: &Ty<'s>, fractions: bool) -> Option<Ty<'s>> {
    let number =
        |ty: &Ty<'_>| ty.is_dyn() || matches!(ty, Ty::Int | Ty::Uint) || (fractions && matches!(ty, Ty::Double));
    if number(a) && number(b) { a.join(b) } else { None }
}

/// The type of `a[b]`.
fn item<'s>(a: &Ty<'s>, b: &Ty<'s>) -> Option<Ty<'s>> {
    match a {
        Ty::List(item, _) if b.is_dyn() || matches!(b, Ty::Int) => Some((**item).clone()),
        Ty::Map(key, value, _) => key.join(b).map(|_| (**value).clone()),
        Ty::Dyn(_) | Ty::Free => Some(Ty::Dyn(UNBOUNDED)),
        Ty::Optional(inner) => item(inner, b).map(optional),
        _ => None,
    }
}

fn optional(ty: Ty<'_>) -> Ty<'_> {
    match ty {
        Ty::Optional(_) => ty,
        ty => Ty::Optional(Box::new(ty)),
    }
}

/// Lists are walked over, maps looked up.
fn membership_work(a: &Ty<'_>, b: &Ty<'_>) -> Option<u64> {
    match b {
        Ty::List(item, size) => item.join(a).map(|_| *size),
        Ty::Map(key, _, _) => key.join(a).map(|_| 1),
        Ty::Dyn(size) => Some(*size),
        Ty::Free => Some(UNBOUNDED),
        _ => None,
    }
}
