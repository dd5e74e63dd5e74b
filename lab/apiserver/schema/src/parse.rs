//! From `openAPIV3Schema` to [`Node`]s, with the errors kube-apiserver reports on the way.
//!
//! Three sets of rules apply, in this order, and the later ones build on the earlier:
//! 1. *structural* ([`structural`]): the shape can be read off without the junctors;
//! 2. *defaults* ([`defaults`]): every default fits the schema around it;
//! 3. *accepted keywords* (here): what CRDs may not say although OpenAPI can.

mod defaults;
mod keywords;
mod structural;

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::{Map, Number, Value};

use crate::Cause;
use crate::cel::Rule;
use crate::node::{Additional, Bounds, ListType, Node, Type};
use crate::path::Path;

pub(crate) use defaults::check_defaults;

/// Schemas nested deeper than this are refused instead of risking the stack. The API server has no
/// such limit of its own but refuses the request by size long before any schema people write.
const MAX_DEPTH: usize = 100;

/// The faults found while reading, in the two groups that kube-apiserver reports one after another.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// Violations of the structural rules.
    pub(crate) structural: Vec<Cause>,
    /// Keywords that are not accepted, or wrongly used.
    pub(crate) keywords: Vec<Cause>,
}

/// Reads a whole schema. The node is usable (for explaining further faults) even if faults were found.
pub(crate) fn read(openapi: &Value, at: &Path<'_>) -> (Node, Faults) {
    let mut reader = Reader { faults: Faults::default(), depth: 0 };
    let Some(fields) = openapi.as_object() else {
        reader.faults.keywords.push(Cause::required(at, ""));
        return (Node::default(), reader.faults);
    };
    let root = reader.node(fields, at, Level::Root);
    structural::check(&root, Level::Root, at, &mut reader.faults.structural);
    reader.faults.structural.sort_by_cached_key(Cause::to_string);
    (root, reader.faults)
}

/// Where a schema stands; the structural rules differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Root,
    Field,
    Item,
    /// Below `allOf`, `anyOf`, `oneOf` or `not`; of an int-or-string or not.
    Junctor {
        int_or_string: bool,
    },
}

impl Level {
    /// The level of a field, entry or item below this one.
    fn below(self, shape: Level) -> Level {
        if matches!(self, Level::Junctor { .. }) { Level::Junctor { int_or_string: false } } else { shape }
    }

    /// The level of a junctor below this one.
    fn junctor(self, json: &Map<String, Value>) -> Level {
        let inherited = matches!(self, Level::Junctor { int_or_string: true });
        Level::Junctor { int_or_string: inherited || flag(json, "x-kubernetes-int-or-string") }
    }
}

struct Reader {
    faults: Faults,
    depth: usize,
}

impl Reader {
    fn node(&mut self, json: &Map<String, Value>, at: &Path<'_>, level: Level) -> Node {
        if self.depth >= MAX_DEPTH {
            self.faults.keywords.push(Cause::forbidden(at, format!("schemas may be nested at most {MAX_DEPTH} deep")));
            return Node::default();
        }
        self.depth += 1;
        let node = Node {
            ty: self.ty(json, at),
            int_or_string: flag(json, "x-kubernetes-int-or-string"),
            preserve_unknown: flag(json, "x-kubernetes-preserve-unknown-fields"),
            embedded: flag(json, "x-kubernetes-embedded-resource"),
            nullable: flag(json, "nullable"),
            default: json.get("default").cloned(),
            properties: self.properties(json, at, level),
            additional: self.additional(json, at, level),
            items: self.items(json, at, level),
            list_type: match text(json, "x-kubernetes-list-type") {
                Some("set") => ListType::Set,
                Some("map") => ListType::Map,
                _ => ListType::Atomic,
            },
            list_map_keys: texts(json, "x-kubernetes-list-map-keys"),
            atomic_map: text(json, "x-kubernetes-map-type") == Some("atomic"),
            bounds: self.bounds(json, at, level),
            rules: Rule::read_all(json.get("x-kubernetes-validations")),
        };
        if let Level::Junctor { int_or_string } = level {
            structural::check_junctor(json, int_or_string, at, &mut self.faults.structural);
        }
        keywords::check(json, &node, at, &mut self.faults.keywords);
        self.depth -= 1;
        node
    }

    fn ty(&mut self, json: &Map<String, Value>, at: &Path<'_>) -> Option<Type> {
        let name = text(json, "type").filter(|name| !name.is_empty())?;
        let ty = Type::parse(name);
        if ty.is_none() {
            let here = at.field("type");
            self.faults.keywords.push(if name == "null" {
                Cause::forbidden(here, "type cannot be set to null, use nullable as an alternative")
            } else {
                let known = ["array", "boolean", "integer", "number", "object", "string"];
                Cause::not_supported(here, &Value::from(name), &known)
            });
        }
        ty
    }

    fn properties(&mut self, json: &Map<String, Value>, at: &Path<'_>, level: Level) -> BTreeMap<String, Node> {
        let below = at.field("properties");
        let child_level = level.below(Level::Field);
        let Some(properties) = json.get("properties").and_then(Value::as_object) else { return BTreeMap::new() };
        let mut nodes = BTreeMap::new();
        for (name, schema) in properties {
            if let Some(schema) = schema.as_object() {
                nodes.insert(name.clone(), self.node(schema, &below.key(name), child_level));
            }
        }
        nodes
    }

    fn additional(&mut self, json: &Map<String, Value>, at: &Path<'_>, level: Level) -> Additional {
        let child_level = level.below(Level::Field);
        match json.get("additionalProperties") {
            Some(Value::Bool(true)) => Additional::Any,
            Some(Value::Object(schema)) => {
                let node = self.node(schema, &at.field("additionalProperties"), child_level);
                Additional::Schema(Box::new(node))
            }
            _ => Additional::None,
        }
    }

    fn items(&mut self, json: &Map<String, Value>, at: &Path<'_>, level: Level) -> Option<Box<Node>> {
        let child_level = level.below(Level::Item);
        let schema = json.get("items")?.as_object()?;
        Some(Box::new(self.node(schema, &at.field("items"), child_level)))
    }

    fn bounds(&mut self, json: &Map<String, Value>, at: &Path<'_>, level: Level) -> Bounds {
        let below = level.junctor(json);
        Bounds {
            format: text(json, "format").filter(|format| !format.is_empty()).map(str::to_owned),
            enumeration: json.get("enum").and_then(Value::as_array).cloned(),
            minimum: number(json, "minimum"),
            exclusive_minimum: flag(json, "exclusiveMinimum"),
            maximum: number(json, "maximum"),
            exclusive_maximum: flag(json, "exclusiveMaximum"),
            multiple_of: number(json, "multipleOf"),
            min_length: count(json, "minLength"),
            max_length: count(json, "maxLength"),
            pattern: self.pattern(json, at),
            min_items: count(json, "minItems"),
            max_items: count(json, "maxItems"),
            min_properties: count(json, "minProperties"),
            max_properties: count(json, "maxProperties"),
            required: texts(json, "required"),
            all_of: self.junctors(json, "allOf", at, below),
            any_of: self.junctors(json, "anyOf", at, below),
            one_of: self.junctors(json, "oneOf", at, below),
            not: json
                .get("not")
                .and_then(Value::as_object)
                .map(|schema| Box::new(self.node(schema, &at.field("not"), below))),
        }
    }

    fn junctors(&mut self, json: &Map<String, Value>, keyword: &str, at: &Path<'_>, level: Level) -> Vec<Node> {
        let below = at.field(keyword);
        let Some(schemas) = json.get(keyword).and_then(Value::as_array) else { return Vec::new() };
        let objects = schemas.iter().enumerate().filter_map(|(index, schema)| Some((index, schema.as_object()?)));
        objects.map(|(index, schema)| self.node(schema, &below.index(index), level)).collect()
    }

    fn pattern(&mut self, json: &Map<String, Value>, at: &Path<'_>) -> Option<Regex> {
        let pattern = text(json, "pattern").filter(|pattern| !pattern.is_empty())?;
        match Regex::new(pattern) {
            Ok(regex) => Some(regex),
            Err(error) => {
                let detail = format!("must be a valid regular expression, but isn't: {error}");
                self.faults.keywords.push(Cause::invalid(at.field("pattern"), &Value::from(pattern), detail));
                None
            }
        }
    }
}

fn flag(json: &Map<String, Value>, keyword: &str) -> bool {
    json.get(keyword).and_then(Value::as_bool).unwrap_or(false)
}

fn text<'a>(json: &'a Map<String, Value>, keyword: &str) -> Option<&'a str> {
    json.get(keyword).and_then(Value::as_str)
}

fn texts(json: &Map<String, Value>, keyword: &str) -> Vec<String> {
    let items = json.get(keyword).and_then(Value::as_array);
    items.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn number(json: &Map<String, Value>, keyword: &str) -> Option<Number> {
    json.get(keyword).and_then(Value::as_number).cloned()
}

fn count(json: &Map<String, Value>, keyword: &str) -> Option<u64> {
    json.get(keyword).and_then(Value::as_u64)
}
