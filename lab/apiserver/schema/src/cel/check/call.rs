//! Calls of functions and methods.

use kube_cel::cel::common::ast::{CallExpr, Expr, operators as op};

use super::{Checked, Checker, Fault, scan, undeclared};
use crate::cel::functions::{Gives, Overload, Param, Work, overloads};
use crate::cel::types::{Ty, UNBOUNDED};

impl<'s> Checker<'s> {
    pub(super) fn call(&mut self, call: &CallExpr) -> Result<Checked<'s>, Fault> {
        if let (op::OPT_SELECT, [operand, field]) = (call.func_name.as_str(), call.args.as_slice()) {
            return self.optional_select(operand, field);
        }
        if call.target.is_none()
            && let Some(checked) = self.operator(&call.func_name, &call.args)
        {
            return checked;
        }
        let (name, receiver) = match call.target.as_deref() {
            None => (call.func_name.clone(), None),
            Some(target) => match &target.expr {
                // `math.max(…)` is a function in a namespace, unless `math` is a variable.
                Expr::Ident(space) if self.variable(space).is_none() => (format!("{space}.{}", call.func_name), None),
                _ => (call.func_name.clone(), Some(self.expression(target)?)),
            },
        };
        let args = call.args.iter().map(|arg| self.expression(arg)).collect::<Result<Vec<_>, _>>()?;
        let mut known = false;
        for overload in overloads(&name, receiver.is_some()) {
            known = true;
            if accepts(overload, receiver.as_ref(), &args) {
                return Ok(apply(overload, receiver.as_ref(), &args));
            }
        }
        if !known && overloads(&name, receiver.is_none()).next().is_none() {
            return Err(undeclared(&name));
        }
        Err(no_overload(&name, receiver.as_ref(), &args))
    }

    /// `a.?b`: the field's type, in an optional. A field that the schema lacks is a fault here too.
    fn optional_select(
        &mut self,
        operand: &kube_cel::cel::IdedExpr,
        field: &kube_cel::cel::IdedExpr,
    ) -> Result<Checked<'s>, Fault> {
        let operand = self.expression(operand)?;
        let Expr::Literal(kube_cel::cel::common::ast::LiteralValue::String(name)) = &field.expr else {
            return Err(Fault::new(".?", "unsupported optional field selection"));
        };
        let name = name.inner();
        let Some(ty) = operand.ty.field(name) else {
            return Err(Fault::new(format!(".?{name}"), format!("undefined field '{name}'")));
        };
        let ty = match ty {
            optional @ Ty::Optional(_) => optional,
            ty => Ty::Optional(Box::new(ty)),
        };
        Ok(Checked { ty, cost: operand.cost.saturating_add(1) })
    }
}

fn no_overload(name: &str, receiver: Option<&Checked<'_>>, args: &[Checked<'_>]) -> Fault {
    let types: Vec<String> = args.iter().map(|arg| arg.ty.to_string()).collect();
    let applied = match receiver {
        Some(receiver) => format!("{}.({})", receiver.ty, types.join(", ")),
        None => format!("({})", types.join(", ")),
    };
    Fault::new(format!("{name}("), format!("found no matching overload for '{name}' applied to '{applied}'"))
}

fn accepts(overload: &Overload, receiver: Option<&Checked<'_>>, args: &[Checked<'_>]) -> bool {
    let receiver_fits = match (overload.receiver, receiver) {
        (Some(param), Some(receiver)) => takes(param, &receiver.ty),
        (None, None) => true,
        _ => false,
    };
    receiver_fits
        && overload.args.len() == args.len()
        && overload.args.iter().zip(args).all(|(param, arg)| takes(*param, &arg.ty))
}

fn takes(param: Param, ty: &Ty<'_>) -> bool {
    ty.is_dyn()
        || match param {
            Param::Any => true,
            Param::Bool => matches!(ty, Ty::Bool),
            Param::Int => matches!(ty, Ty::Int),
            Param::Uint => matches!(ty, Ty::Uint),
            Param::Double => matches!(ty, Ty::Double),
            Param::String => matches!(ty, Ty::String(_)),
            Param::Bytes => matches!(ty, Ty::Bytes(_)),
            Param::Timestamp => matches!(ty, Ty::Timestamp),
            Param::Duration => matches!(ty, Ty::Duration),
            Param::List => matches!(ty, Ty::List(..)),
            Param::Map => matches!(ty, Ty::Map(..)),
            Param::Optional => matches!(ty, Ty::Optional(_)),
            Param::Opaque(name) => matches!(ty, Ty::Opaque(other) if *other == name),
        }
}

fn apply<'s>(overload: &Overload, receiver: Option<&Checked<'s>>, args: &[Checked<'s>]) -> Checked<'s> {
    // Whether written as a method or not, the subject is what the function is about.
    let operands: Vec<&Checked<'s>> = receiver.into_iter().chain(args).collect();
    let spent = operands.iter().fold(0u64, |sum, operand| sum.saturating_add(operand.cost));
    let subject = operands.first().map_or(&Ty::Free, |operand| &operand.ty);
    let object = operands.get(1).map_or(&Ty::Free, |operand| &operand.ty);
    let work = match overload.work {
        Work::Unit => 1,
        Work::Scan => scan(subject.size()),
        Work::ScanTwice => scan(subject.size().saturating_mul(2)),
        Work::ScanArgument => scan(object.size()),
        Work::Search => scan(subject.size()).saturating_mul(scan(object.size())),
        Work::Match => scan(subject.size().saturating_add(1)).saturating_mul(object.size().div_ceil(4)),
        Work::Items => items_work(subject),
        Work::Join => scan(joined_size(subject, object)),
        Work::Pairs => subject.size().saturating_mul(object.size()),
        Work::Addresses(steps) => match object {
            Ty::String(size) => scan(*size).saturating_add(steps),
            _ => steps,
        },
    };
    let ty = match (overload.work, result(overload.gives, subject)) {
        (Work::Join, Ty::String(_)) => Ty::String(joined_size(subject, object)),
        (_, ty) => ty,
    };
    Checked { ty, cost: spent.saturating_add(work.max(1)) }
}

/// One step for each item, and the walk over it if it is text; of a text, the walk over it.
fn items_work(subject: &Ty<'_>) -> u64 {
    match subject {
        Ty::List(item, size) => match &**item {
            Ty::String(text) | Ty::Bytes(text) => size.saturating_mul(scan(*text).saturating_add(1)),
            _ => *size,
        },
        other => scan(other.size()),
    }
}

fn joined_size(list: &Ty<'_>, separator: &Ty<'_>) -> u64 {
    let separator = if let Ty::String(size) = separator { *size } else { 0 };
    match list {
        Ty::List(item, size) => size.saturating_mul(item.size().saturating_add(separator)),
        _ => UNBOUNDED,
    }
}

fn result<'s>(gives: Gives, subject: &Ty<'s>) -> Ty<'s> {
    match gives {
        Gives::Bool => Ty::Bool,
        Gives::Int => Ty::Int,
        Gives::Uint => Ty::Uint,
        Gives::Double => Ty::Double,
        Gives::Bytes => Ty::Bytes(subject.size()),
        Gives::Timestamp => Ty::Timestamp,
        Gives::Duration => Ty::Duration,
        Gives::Type => Ty::Type,
        Gives::Dyn => Ty::Dyn(UNBOUNDED),
        Gives::Text => Ty::String(subject.size()),
        Gives::LongText => Ty::String(UNBOUNDED),
        // No piece can be longer than the whole, but kube-apiserver does not go by that.
        Gives::Texts => Ty::List(Box::new(Ty::String(UNBOUNDED)), subject.size()),
        Gives::Item => match subject {
            Ty::List(item, _) => (**item).clone(),
            _ => Ty::Dyn(UNBOUNDED),
        },
        Gives::Held => match subject {
            Ty::Optional(inner) => (**inner).clone(),
            _ => Ty::Dyn(UNBOUNDED),
        },
        Gives::Same => subject.clone(),
        Gives::OptionalOfFirst => Ty::Optional(Box::new(subject.clone())),
        Gives::Opaque(name) => Ty::Opaque(name),
        Gives::OptionalOf(name) => Ty::Optional(Box::new(Ty::Opaque(name))),
    }
}
