//! The columns of custom resources: `additionalPrinterColumns`.

use serde_json::{Value, json};

use super::{Column, JsonPath, since};
use crate::meta::{name, text};

/// The cells that a definition asks for, beside the name.
#[derive(Debug)]
pub(super) struct Custom {
    cells: Vec<(Option<JsonPath>, &'static str)>,
}

/// The columns of a version: the name, then what the definition lists, or the age if it lists none.
pub(super) fn columns(definitions: &[Value]) -> (Vec<Column>, Custom) {
    let age = [json!({"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"})];
    let definitions = if definitions.is_empty() { &age[..] } else { definitions };
    let mut columns = vec![Column::new("Name")];
    let mut cells = Vec::new();
    for definition in definitions {
        let kind = match text(definition, "/type") {
            "integer" => "integer",
            "number" => "number",
            "boolean" => "boolean",
            "date" => "date",
            _ => "string",
        };
        columns.push(Column {
            name: text(definition, "/name").to_owned(),
            kind,
            priority: definition.get("priority").and_then(Value::as_i64).unwrap_or(0),
            description: text(definition, "/description").to_owned(),
        });
        cells.push((JsonPath::parse(text(definition, "/jsonPath")).ok(), kind));
    }
    (columns, Custom { cells })
}

impl Custom {
    pub(super) fn cells(&self, object: &Value) -> Vec<Value> {
        let mut cells = vec![Value::from(name(object))];
        for (path, kind) in &self.cells {
            // A path that leads to several values shows the first.
            let found = path.as_ref().and_then(|path| path.find(object).into_iter().next());
            cells.push(found.map_or(Value::Null, |value| cell(kind, value)));
        }
        cells
    }
}

fn cell(kind: &str, value: &Value) -> Value {
    match (kind, value) {
        (_, Value::Null) => Value::Null,
        ("string", Value::String(text)) => Value::from(text.as_str()),
        ("string", other) => other.to_string().into(),
        ("integer", Value::Number(number)) => match number.as_f64() {
            Some(float) if number.is_f64() => format!("{float:.0}").parse::<i64>().map_or(Value::Null, Value::from),
            _ => value.clone(),
        },
        ("number", Value::Number(_)) | ("boolean", Value::Bool(_)) => value.clone(),
        ("date", Value::String(time)) => match since(time) {
            Value::String(text) if text == "<unknown>" => "<invalid>".into(),
            age => age,
        },
        _ => Value::Null,
    }
}
