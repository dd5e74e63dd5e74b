//! The types that rules compute with, and how large their values can get.
//!
//! Sizes are upper bounds in the unit that work is counted in: bytes of a string, items of a list,
//! entries of a map. They come from `maxLength`, `maxItems` and `maxProperties`; without one, from
//! the largest request that the API server takes.

use std::fmt;

use super::value::escape;
use crate::node::{Additional, Node, Type};

/// No bound is known.
pub(super) const UNBOUNDED: u64 = u64::MAX;

/// The largest request body, in bytes, that bounds everything a request can hold.
pub(super) const MAX_REQUEST_BYTES: u64 = 3 * 1024 * 1024;

/// What the two quotes or brackets around a value leave of a request.
const LARGEST_VALUE: u64 = MAX_REQUEST_BYTES - 2;

/// The type of an expression.
#[derive(Clone, Debug)]
pub(super) enum Ty<'s> {
    /// Anything; checked when the rule runs.
    Dyn(u64),
    /// The element of an empty list or map literal: fits whatever it meets.
    Free,
    Null,
    Bool,
    Int,
    Uint,
    Double,
    /// A type as a value: `type(x)`, `string`.
    Type,
    String(u64),
    Bytes(u64),
    Timestamp,
    Duration,
    List(Box<Ty<'s>>, u64),
    Map(Box<Ty<'s>>, Box<Ty<'s>>, u64),
    /// An object of the schema, with the fields that the node names.
    Object(&'s Node, Kind),
    /// `metadata` of a resource: `name` and `generateName`.
    Metadata,
    Optional(Box<Ty<'s>>),
    /// A type of Kubernetes' libraries, such as `net.IP`.
    Opaque(&'static str),
}

/// Whether an object has `apiVersion`, `kind` and `metadata` beside what its schema names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    Resource,
}

impl<'s> Ty<'s> {
    /// The type of values of this schema; `None` when rules cannot see them (free-form values).
    pub(super) fn of(node: &'s Node, kind: Kind) -> Option<Ty<'s>> {
        if node.int_or_string {
            return Some(Ty::Dyn(LARGEST_VALUE));
        }
        Some(match node.ty? {
            Type::Boolean => Ty::Bool,
            Type::Integer => Ty::Int,
            Type::Number => Ty::Double,
            Type::String => match node.bounds.format.as_deref() {
                Some("byte") => Ty::Bytes(node.bounds.max_length.unwrap_or(LARGEST_VALUE)),
                Some("duration") => Ty::Duration,
                Some("date" | "date-time") => Ty::Timestamp,
                _ => Ty::String(string_size(node)),
            },
            Type::Array => {
                let items = node.items.as_deref()?;
                Ty::List(Box::new(Ty::of(items, items.kind())?), list_size(node))
            }
            Type::Object => match &node.additional {
                Additional::Schema(entries) => {
                    let entry = Ty::of(entries, entries.kind())?;
                    Ty::Map(Box::new(Ty::String(UNBOUNDED)), Box::new(entry), map_size(node))
                }
                Additional::None | Additional::Any => Ty::Object(node, kind),
            },
        })
    }

    /// The type of a field, by the name that rules use for it.
    pub(super) fn field(&self, name: &str) -> Option<Ty<'s>> {
        match self {
            Ty::Dyn(_) | Ty::Free => Some(Ty::Dyn(UNBOUNDED)),
            Ty::Map(_, value, _) => Some((**value).clone()),
            Ty::Metadata => matches!(name, "name" | "generateName").then_some(Ty::String(LARGEST_VALUE)),
            Ty::Object(_, Kind::Resource) if matches!(name, "apiVersion" | "kind") => Some(Ty::String(LARGEST_VALUE)),
            Ty::Object(_, Kind::Resource) if name == "metadata" => Some(Ty::Metadata),
            Ty::Object(node, _) => {
                let (_, child) = node.properties.iter().find(|(raw, _)| escape(raw) == name)?;
                Ty::of(child, child.kind())
            }
            Ty::Optional(inner) => Some(Ty::Optional(Box::new(inner.field(name)?))),
            _ => None,
        }
    }

    /// Whether fields can be selected at all.
    pub(super) fn has_fields(&self) -> bool {
        match self {
            Ty::Dyn(_) | Ty::Free | Ty::Map(..) | Ty::Metadata | Ty::Object(..) => true,
            Ty::Optional(inner) => inner.has_fields(),
            _ => false,
        }
    }

    /// How much work it is, at most, to look at all of a value.
    pub(super) fn size(&self) -> u64 {
        match self {
            Ty::String(size) | Ty::Bytes(size) | Ty::List(_, size) | Ty::Map(_, _, size) | Ty::Dyn(size) => *size,
            Ty::Free | Ty::Object(..) | Ty::Metadata | Ty::Optional(_) | Ty::Opaque(_) => UNBOUNDED,
            Ty::Null | Ty::Bool | Ty::Int | Ty::Uint | Ty::Double | Ty::Type | Ty::Timestamp | Ty::Duration => 1,
        }
    }

    pub(super) fn is_dyn(&self) -> bool {
        matches!(self, Ty::Dyn(_) | Ty::Free)
    }

    pub(super) fn is_numeric(&self) -> bool {
        matches!(self, Ty::Int | Ty::Uint | Ty::Double)
    }

    /// The type that stands for both, where values of one can stand for values of the other.
    pub(super) fn join(&self, other: &Ty<'s>) -> Option<Ty<'s>> {
        Some(match (self, other) {
            (Ty::Free, ty) | (ty, Ty::Free) => ty.clone(),
            (Ty::Dyn(a), ty) | (ty, Ty::Dyn(a)) => Ty::Dyn((*a).max(ty.size())),
            (Ty::String(a), Ty::String(b)) => Ty::String((*a).max(*b)),
            (Ty::Bytes(a), Ty::Bytes(b)) => Ty::Bytes((*a).max(*b)),
            (Ty::List(a, n), Ty::List(b, m)) => Ty::List(Box::new(a.join(b)?), (*n).max(*m)),
            (Ty::Map(k, v, n), Ty::Map(l, w, m)) => Ty::Map(Box::new(k.join(l)?), Box::new(v.join(w)?), (*n).max(*m)),
            (Ty::Object(a, kind), Ty::Object(b, _)) if std::ptr::eq(*a, *b) => Ty::Object(a, *kind),
            (Ty::Optional(a), Ty::Optional(b)) => Ty::Optional(Box::new(a.join(b)?)),
            // Only values that can be absent compare with null.
            (Ty::Null, ty) | (ty, Ty::Null) if ty.takes_null() => ty.clone(),
            (Ty::Opaque(a), Ty::Opaque(b)) if a == b => Ty::Opaque(a),
            (Ty::Null, Ty::Null)
            | (Ty::Bool, Ty::Bool)
            | (Ty::Int, Ty::Int)
            | (Ty::Uint, Ty::Uint)
            | (Ty::Double, Ty::Double)
            | (Ty::Type, Ty::Type)
            | (Ty::Timestamp, Ty::Timestamp)
            | (Ty::Duration, Ty::Duration)
            | (Ty::Metadata, Ty::Metadata) => self.clone(),
            _ => return None,
        })
    }

    /// The same type with nothing known about how large its values are.
    pub(super) fn without_bounds(self) -> Ty<'s> {
        match self {
            Ty::String(_) => Ty::String(UNBOUNDED),
            Ty::Bytes(_) => Ty::Bytes(UNBOUNDED),
            Ty::Dyn(_) => Ty::Dyn(UNBOUNDED),
            Ty::List(item, _) => Ty::List(Box::new(item.without_bounds()), UNBOUNDED),
            Ty::Map(key, value, _) => {
                Ty::Map(Box::new(key.without_bounds()), Box::new(value.without_bounds()), UNBOUNDED)
            }
            other => other,
        }
    }

    fn takes_null(&self) -> bool {
        matches!(self, Ty::Object(..) | Ty::Metadata | Ty::Optional(_) | Ty::Opaque(_) | Ty::Timestamp | Ty::Duration)
    }
}

impl fmt::Display for Ty<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ty::Dyn(_) | Ty::Free => f.write_str("dyn"),
            Ty::Null => f.write_str("null"),
            Ty::Bool => f.write_str("bool"),
            Ty::Int => f.write_str("int"),
            Ty::Uint => f.write_str("uint"),
            Ty::Double => f.write_str("double"),
            Ty::Type => f.write_str("type"),
            Ty::String(_) => f.write_str("string"),
            Ty::Bytes(_) => f.write_str("bytes"),
            Ty::Timestamp => f.write_str("timestamp"),
            Ty::Duration => f.write_str("duration"),
            Ty::List(item, _) => write!(f, "list({item})"),
            Ty::Map(key, value, _) => write!(f, "map({key}, {value})"),
            Ty::Object(..) | Ty::Metadata => f.write_str("object"),
            Ty::Optional(inner) => write!(f, "optional_type({inner})"),
            Ty::Opaque(name) => f.write_str(name),
        }
    }
}

impl Node {
    pub(super) fn kind(&self) -> Kind {
        if self.embedded { Kind::Resource } else { Kind::Plain }
    }
}

/// `maxLength` counts characters, work is counted in bytes, and a character has at most four.
fn string_size(node: &Node) -> u64 {
    match (node.bounds.max_length, &node.bounds.enumeration) {
        (Some(max), _) => max.saturating_mul(4),
        (None, Some(values)) => {
            let lengths = values.iter().filter_map(|value| value.as_str()).map(str::len);
            lengths.max().and_then(|length| u64::try_from(length).ok()).unwrap_or(LARGEST_VALUE)
        }
        (None, None) => LARGEST_VALUE,
    }
}

fn list_size(node: &Node) -> u64 {
    let fitting = |items: &Node| LARGEST_VALUE / (smallest(items) + 1);
    node.bounds.max_items.or_else(|| node.items.as_deref().map(fitting)).unwrap_or(UNBOUNDED)
}

fn map_size(node: &Node) -> u64 {
    let fitting = match &node.additional {
        // A key, its quotes, a colon and a comma stand with each entry.
        Additional::Schema(entries) => LARGEST_VALUE / (smallest(entries) + 6),
        Additional::None | Additional::Any => UNBOUNDED,
    };
    node.bounds.max_properties.unwrap_or(fitting)
}

/// The fewest bytes of JSON a value can have.
fn smallest(node: &Node) -> u64 {
    match node.ty {
        None | Some(Type::Integer | Type::Number) => 1,
        Some(Type::String | Type::Array) => 2,
        Some(Type::Boolean) => 4,
        Some(Type::Object) => {
            let required = |name: &&String| {
                let child = node.properties.get(*name)?;
                // Defaults are filled in by the server, so a request need not hold them.
                child.default.is_none().then(|| u64::try_from(name.len()).unwrap_or(0) + smallest(child) + 4)
            };
            2 + node.bounds.required.iter().filter_map(|name| required(&name)).sum::<u64>()
        }
    }
}

/// How often a value of this schema can stand in one request where nothing bounds it.
pub(super) fn cardinality(node: &Node) -> u64 {
    MAX_REQUEST_BYTES / (smallest(node) + 1)
}
