//! Tables: what `kubectl get` prints is made by the server.
//!
//! A client that accepts `application/json;as=Table;g=meta.k8s.io;v=v1` gets rows of cells instead of objects. The
//! columns of a built-in kind are fixed ([`printers`]); a definition names those of its custom resources by
//! [`JsonPath`]s ([`custom`]).

mod age;
mod custom;
mod jsonpath;
mod printers;

use serde_json::{Value, json};

pub(crate) use jsonpath::JsonPath;

use crate::meta::{text, time_now};
use crate::registry::Resource;

/// A column's heading.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Column {
    name: String,
    kind: &'static str,
    /// 0 is always shown, more only with `-o wide`.
    priority: i64,
    description: String,
}

impl Column {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned(), kind: "string", priority: 0, description: String::new() }
    }

    fn wide(name: &str) -> Self {
        Self { priority: 1, ..Self::new(name) }
    }

    fn of(name: &str, kind: &'static str) -> Self {
        Self { kind, ..Self::new(name) }
    }

    fn definition(&self) -> Value {
        let format = if self.name == "Name" { "name" } else { "" };
        json!({
            "name": self.name, "type": self.kind, "format": format, "description": self.description,
            "priority": self.priority,
        })
    }
}

/// How the objects of one resource and version become rows.
#[derive(Debug)]
pub(crate) struct Columns {
    columns: Vec<Column>,
    cells: Cells,
}

#[derive(Debug)]
enum Cells {
    BuiltIn(fn(&Value) -> Vec<Value>),
    Custom(custom::Custom),
}

/// What stands beside the cells of a row: `includeObject`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Include {
    /// The object's metadata.
    #[default]
    Metadata,
    /// The whole object.
    Object,
    /// Nothing.
    None,
}

impl Include {
    /// From the query parameter; `None` for a word that is not known.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "" | "Metadata" => Some(Self::Metadata),
            "Object" => Some(Self::Object),
            "None" => Some(Self::None),
            _ => None,
        }
    }
}

impl Columns {
    /// The columns of a resource in one version.
    pub(crate) fn of(resource: &Resource, version: &str) -> Self {
        if let Some(version) = resource.version(version).filter(|version| version.schema.is_some()) {
            let (columns, custom) = custom::columns(&version.columns);
            return Self { columns, cells: Cells::Custom(custom) };
        }
        let (columns, cells) = printers::of(&resource.group, &resource.kind);
        Self { columns, cells: Cells::BuiltIn(cells) }
    }

    /// A Table of objects (values in the version asked for). `headings`: in a watch only the first table has them.
    pub(crate) fn table(&self, objects: &[Value], metadata: Value, include: Include, headings: bool) -> Value {
        let rows: Vec<Value> = objects.iter().map(|object| self.row(object, include)).collect();
        let definitions: Value =
            if headings { self.columns.iter().map(Column::definition).collect() } else { Value::Null };
        json!({
            "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "columnDefinitions": definitions,
            "rows": rows,
        })
    }

    /// A Table of one object, as a GET of it or an event of a watch has.
    pub(crate) fn single(&self, object: &Value, include: Include, headings: bool) -> Value {
        let metadata = json!({"resourceVersion": text(object, "/metadata/resourceVersion")});
        self.table(std::slice::from_ref(object), metadata, include, headings)
    }

    fn row(&self, object: &Value, include: Include) -> Value {
        let cells = match &self.cells {
            Cells::BuiltIn(cells) => cells(object),
            Cells::Custom(custom) => custom.cells(object),
        };
        let shown = match include {
            Include::Object => object.clone(),
            Include::None => Value::Null,
            Include::Metadata => json!({
                "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
                "metadata": object.get("metadata").cloned().unwrap_or_default(),
            }),
        };
        json!({"cells": cells, "object": shown})
    }
}

/// How long ago a time was, as a cell; `<unknown>` when there is none.
fn since(time: &str) -> Value {
    age::between(time, &time_now()).into()
}

#[cfg(test)]
mod tests;
