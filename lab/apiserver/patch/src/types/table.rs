//! Reads the compact tables that describe the built-in kinds.
//!
//! One line is one type: its name, then its fields. A kind's line begins with `=`, API version and kind; `apiVersion`,
//! `kind` and `metadata` are understood. `#` begins a comment. A type must stand above its first use.
//!
//! ```text
//! ServicePort  name nodePort:int port:int protocol=TCP targetPort:scalar
//! ServiceSpec  clusterIPs:[] ports:[ServicePort]{port,protocol}+port selector:{}! type
//! = v1 Service spec:ServiceSpec status:ServiceStatus
//! ```
//!
//! | written | meaning |
//! | --- | --- |
//! | nothing, `string`, `int`, `bool`, `scalar`, `any` | text, text, number, truth value, any scalar, anything |
//! | `Name`, `Name!` | the struct of that name; `!` = atomic |
//! | `{T}`, `{T}!` | a map of T (`{}`: of text); `!` = atomic |
//! | `[T]`, `[T]set`, `[T]{a,b}` | a list of T (`[]`: of text): atomic, set, found by keys a and b |
//! | `+key`, `+`, `+retain` | patch strategy: merge by key, merge as a set, retainKeys; may be joined: `+name+retain` |
//! | `=TCP` | default, as far as list keys need it |

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::Value;

use super::{Field, List, ListKind, Map, PatchStrategy, Scalar, Struct, Type};

/// The kinds of all tables, by API version and kind.
pub(super) type Kinds = HashMap<(String, String), Arc<Type>>;

/// What is wrong with a table; a mistake in this crate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line:?}: {reason}")]
pub(super) struct TableError {
    line: String,
    reason: String,
}

/// Types by name while tables are read.
#[derive(Debug, Default)]
pub(super) struct Reader {
    types: HashMap<String, Arc<Type>>,
    kinds: Kinds,
}

impl Reader {
    /// Reads one table; names of earlier ones are known.
    pub(super) fn read(&mut self, table: &str) -> Result<(), TableError> {
        for line in table.lines() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if !line.is_empty() {
                self.line(line).map_err(|reason| TableError { line: line.to_owned(), reason })?;
            }
        }
        Ok(())
    }

    /// The type of that name.
    pub(super) fn named(&self, name: &str) -> Option<Arc<Type>> {
        self.types.get(name).cloned()
    }

    /// All kinds read.
    pub(super) fn into_kinds(self) -> Kinds {
        self.kinds
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("=") => {
                let (Some(version), Some(kind)) = (words.next(), words.next()) else {
                    return Err("a kind needs API version and kind".to_owned());
                };
                let understood = ["apiVersion", "kind", "metadata:ObjectMeta"];
                let ty = self.fields(understood.into_iter().chain(words))?;
                self.kinds.insert((version.to_owned(), kind.to_owned()), Arc::new(ty));
            }
            Some(name) => {
                let ty = self.fields(words)?;
                self.types.insert(name.to_owned(), Arc::new(ty));
            }
            None => {}
        }
        Ok(())
    }

    fn fields<'a>(&self, words: impl Iterator<Item = &'a str>) -> Result<Type, String> {
        let mut fields = BTreeMap::new();
        for word in words {
            let (word, default) = match word.split_once('=') {
                Some((word, default)) => (word, Some(Value::from(default))),
                None => (word, None),
            };
            let (name, written) = word.split_once(':').unwrap_or((word, ""));
            let mut parts = written.split('+');
            let ty = self.ty(parts.next().unwrap_or_default())?;
            let mut patch = PatchStrategy::default();
            for part in parts {
                match part {
                    "retain" => patch.retain_keys = true,
                    "" => patch.merge = true,
                    key => {
                        patch.merge = true;
                        patch.key = Some(key.to_owned());
                    }
                }
            }
            if fields.insert(name.to_owned(), Field { ty, default, patch }).is_some() {
                return Err(format!("field {name} stands twice"));
            }
        }
        Ok(Type::Struct(Struct { fields, others: None, atomic: false }))
    }

    fn ty(&self, written: &str) -> Result<Arc<Type>, String> {
        let ty = match written {
            "" | "string" => Type::Scalar(Scalar::String),
            "int" => Type::Scalar(Scalar::Number),
            "bool" => Type::Scalar(Scalar::Boolean),
            "scalar" => Type::Scalar(Scalar::Untyped),
            "any" => Type::Any,
            _ => return self.composite(written),
        };
        Ok(Arc::new(ty))
    }

    fn composite(&self, written: &str) -> Result<Arc<Type>, String> {
        if let Some(rest) = written.strip_prefix('[') {
            let (items, kind) = rest.rsplit_once(']').ok_or("a list without ]")?;
            let kind = match kind.strip_prefix('{').and_then(|keys| keys.strip_suffix('}')) {
                Some(keys) => ListKind::Map(keys.split(',').map(str::to_owned).collect()),
                None if kind == "set" => ListKind::Set,
                None if kind.is_empty() => ListKind::Atomic,
                None => return Err(format!("unknown kind of list {kind:?}")),
            };
            return Ok(Arc::new(Type::List(List { items: self.ty(items)?, kind })));
        }
        if let Some(rest) = written.strip_prefix('{') {
            let (values, mark) = rest.rsplit_once('}').ok_or("a map without }")?;
            return Ok(Arc::new(Type::Map(Map { values: self.ty(values)?, atomic: mark == "!" })));
        }
        let (name, atomic) = match written.strip_suffix('!') {
            Some(name) => (name, true),
            None => (written, false),
        };
        let ty = self.named(name).ok_or_else(|| format!("unknown type {name:?}"))?;
        match &*ty {
            Type::Struct(of) if atomic => Ok(Arc::new(Type::Struct(Struct { atomic: true, ..of.clone() }))),
            _ => Ok(ty),
        }
    }
}
