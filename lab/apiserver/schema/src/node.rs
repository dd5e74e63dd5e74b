//! One place of a structural schema.
//!
//! A schema is *structural* when the shape of an object (which fields, lists and maps there are) can
//! be read without looking at `allOf`, `anyOf`, `oneOf` and `not`. Those hold [`Junctor`] schemas
//! that only narrow values. Defaulting, pruning and CEL's types all go by the shape alone.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::{Number, Value};

use crate::cel::Rule;

/// A JSON type as a schema names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `object`
    Object,
    /// `array`
    Array,
    /// `string`
    String,
    /// `integer`
    Integer,
    /// `number`
    Number,
    /// `boolean`
    Boolean,
}

impl Type {
    pub(crate) fn parse(text: &str) -> Option<Type> {
        Some(match text {
            "object" => Type::Object,
            "array" => Type::Array,
            "string" => Type::String,
            "integer" => Type::Integer,
            "number" => Type::Number,
            "boolean" => Type::Boolean,
            _ => return None,
        })
    }

    /// The name in schemas and messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Type::Object => "object",
            Type::Array => "array",
            Type::String => "string",
            Type::Integer => "integer",
            Type::Number => "number",
            Type::Boolean => "boolean",
        }
    }
}

/// `x-kubernetes-list-type`: how apply merges a list, and what may stand in it twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListType {
    /// One value as a whole.
    #[default]
    Atomic,
    /// Scalars, each once.
    Set,
    /// Objects, told apart by `x-kubernetes-list-map-keys`.
    Map,
}

/// `additionalProperties` of an object.
#[derive(Debug, Default)]
pub enum Additional {
    /// Absent: fields that `properties` does not name are pruned.
    #[default]
    None,
    /// `true`: any field may stand there.
    Any,
    /// A map: every entry has this schema.
    Schema(Box<Node>),
}

/// One place of a structural schema.
#[derive(Debug, Default)]
pub struct Node {
    /// The JSON type; `None` for int-or-string and for free-form values.
    pub ty: Option<Type>,
    /// `x-kubernetes-int-or-string`
    pub int_or_string: bool,
    /// `x-kubernetes-preserve-unknown-fields`
    pub preserve_unknown: bool,
    /// `x-kubernetes-embedded-resource`
    pub embedded: bool,
    /// `nullable`
    pub nullable: bool,
    /// `default`
    pub default: Option<Value>,
    /// `properties`
    pub properties: BTreeMap<String, Node>,
    /// `additionalProperties`
    pub additional: Additional,
    /// `items`
    pub items: Option<Box<Node>>,
    /// `x-kubernetes-list-type`
    pub list_type: ListType,
    /// `x-kubernetes-list-map-keys`
    pub list_map_keys: Vec<String>,
    /// `x-kubernetes-map-type: atomic`
    pub atomic_map: bool,
    /// What values must fulfil beside their type.
    pub bounds: Bounds,
    /// `x-kubernetes-validations`
    pub rules: Vec<Rule>,
}

impl Node {
    /// The schema of the map entry or field `name`, if there is one.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Node> {
        match (self.properties.get(name), &self.additional) {
            (Some(node), _) => Some(node),
            (None, Additional::Schema(node)) => Some(node),
            (None, Additional::None | Additional::Any) => None,
        }
    }

    /// Whether this holds the same list as a list-map or set would: items can be told apart.
    pub(crate) fn correlates_items(&self) -> bool {
        self.list_type == ListType::Map
    }

    /// The item of `old` that `item` is the newer form of: the one with the same keys in a
    /// list-map, none in other lists.
    pub(crate) fn correlated<'v>(&self, item: &Value, old: Option<&'v Value>) -> Option<&'v Value> {
        if !self.correlates_items() {
            return None;
        }
        let key = self.item_key(item)?;
        old?.as_array()?.iter().find(|candidate| self.item_key(candidate).as_ref() == Some(&key))
    }

    /// The key of a list-map's item, with schema defaults for absent key fields.
    pub(crate) fn item_key<'v>(&'v self, item: &'v Value) -> Option<Vec<Option<&'v Value>>> {
        let fields = item.as_object()?;
        let items = self.items.as_deref();
        let default_of = |key: &str| items?.properties.get(key)?.default.as_ref();
        Some(self.list_map_keys.iter().map(|key| fields.get(key).or_else(|| default_of(key))).collect())
    }
}

/// A schema below `allOf`, `anyOf`, `oneOf` or `not`: narrows values, adds no shape.
pub type Junctor = Node;

/// What a value must fulfil beside its type.
#[derive(Debug, Default)]
pub struct Bounds {
    /// `format`
    pub format: Option<String>,
    /// `enum`
    pub enumeration: Option<Vec<Value>>,
    /// `minimum`
    pub minimum: Option<Number>,
    /// `exclusiveMinimum`
    pub exclusive_minimum: bool,
    /// `maximum`
    pub maximum: Option<Number>,
    /// `exclusiveMaximum`
    pub exclusive_maximum: bool,
    /// `multipleOf`
    pub multiple_of: Option<Number>,
    /// `minLength`, in characters
    pub min_length: Option<u64>,
    /// `maxLength`, in characters
    pub max_length: Option<u64>,
    /// `pattern`
    pub pattern: Option<Regex>,
    /// `minItems`
    pub min_items: Option<u64>,
    /// `maxItems`
    pub max_items: Option<u64>,
    /// `minProperties`
    pub min_properties: Option<u64>,
    /// `maxProperties`
    pub max_properties: Option<u64>,
    /// `required`
    pub required: Vec<String>,
    /// `allOf`
    pub all_of: Vec<Junctor>,
    /// `anyOf`
    pub any_of: Vec<Junctor>,
    /// `oneOf`
    pub one_of: Vec<Junctor>,
    /// `not`
    pub not: Option<Box<Junctor>>,
}
