//! The recordings as they are on disk.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// One file.
#[derive(Debug, Deserialize)]
pub struct Recording {
    pub steps: Vec<Step>,
}

/// One request, or something else that was done.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    pub name: String,
    pub method: String,
    #[serde(default)]
    pub path: String,
    #[serde(default)]
    pub id: String,
    #[serde(default)]
    pub query: BTreeMap<String, Value>,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    #[serde(rename = "as")]
    pub user: Option<String>,
    pub body: Option<Value>,
    pub raw_body: Option<String>,
    #[serde(default)]
    pub expect: Expect,
}

/// What was answered.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Expect {
    pub status: Option<u16>,
    pub body: Option<Value>,
    pub kind: Option<String>,
    #[serde(default)]
    pub headers: BTreeMap<String, Value>,
    #[serde(default)]
    pub partial: bool,
    #[serde(default)]
    pub compare_managed_fields: bool,
    pub events: Option<Vec<Value>>,
    pub ended: Option<String>,
}

impl Recording {
    pub fn load(file: &str) -> Self {
        let path = super::folder().join(format!("{file}.json"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}
