//! Label and field selectors.

use serde_json::{Map, Value};

use crate::error::{ApiError, Result};

/// A conjunction of requirements on labels; empty selects everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LabelSelector {
    requirements: Vec<Requirement>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Absent,
}

impl LabelSelector {
    /// Parses `a=b,c!=d,e in (f,g),h notin (i),j,!k`.
    ///
    /// # Errors
    /// 400 naming what could not be read.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let mut requirements = Vec::new();
        for part in split_outside_parentheses(text) {
            let part = part.trim();
            if part.is_empty() {
                continue;
            }
            let requirement = requirement(part).ok_or_else(|| {
                ApiError::bad_request(format!("unable to parse requirement: found {part:?} in {text:?}"))
            })?;
            requirements.push(requirement);
        }
        Ok(Self { requirements })
    }

    /// Whether it selects everything.
    pub(crate) fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Whether these labels are selected.
    pub(crate) fn matches(&self, labels: &Map<String, Value>) -> bool {
        self.requirements.iter().all(|requirement| {
            let value = labels.get(&requirement.key).and_then(Value::as_str);
            match &requirement.test {
                Test::In(values) => value.is_some_and(|v| values.iter().any(|w| w == v)),
                Test::NotIn(values) => value.is_none_or(|v| values.iter().all(|w| w != v)),
                Test::Exists => value.is_some(),
                Test::Absent => value.is_none(),
            }
        })
    }
}

fn requirement(part: &str) -> Option<Requirement> {
    if let Some(key) = part.strip_prefix('!') {
        return made(key, Test::Absent);
    }
    if let Some((key, value)) = part.split_once("!=") {
        return made(key, Test::NotIn(vec![value.trim().to_owned()]));
    }
    if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return made(key, Test::In(vec![value.trim().to_owned()]));
    }
    let Some((head, list)) = part.split_once('(') else {
        return made(part, Test::Exists);
    };
    let list = list.strip_suffix(')')?;
    let values = list.split(',').map(|v| v.trim().to_owned()).collect();
    let (key, word) = head.trim().rsplit_once(char::is_whitespace)?;
    match word {
        "in" => made(key, Test::In(values)),
        "notin" => made(key, Test::NotIn(values)),
        _ => None,
    }
}

fn made(key: &str, test: Test) -> Option<Requirement> {
    let key = key.trim();
    let well_formed = !key.is_empty() && !key.contains(|c: char| c.is_whitespace() || "(),=!".contains(c));
    well_formed.then(|| Requirement { key: key.to_owned(), test })
}

fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_u32, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// A conjunction of `field=value` and `field!=value`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FieldSelector {
    terms: Vec<Term>,
}

/// One requirement of a field selector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Term {
    /// The field's path, such as `metadata.name`.
    pub(crate) field: String,
    /// The value it must, or must not, have.
    pub(crate) value: String,
    /// Whether it must have it.
    pub(crate) equal: bool,
}

impl FieldSelector {
    /// Parses `a=b,c!=d`.
    ///
    /// # Errors
    /// 400 naming what could not be read.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let mut terms = Vec::new();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (field, value, equal) = if let Some((field, value)) = part.split_once("!=") {
                (field, value, false)
            } else if let Some((field, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
                (field, value, true)
            } else {
                return Err(ApiError::bad_request(format!("invalid selector: '{text}'; can't understand '{part}'")));
            };
            terms.push(Term { field: field.to_owned(), value: value.to_owned(), equal });
        }
        Ok(Self { terms })
    }

    /// The requirements.
    pub(crate) fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// Whether it selects everything.
    pub(crate) fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The one name that is selected, if the selector demands one.
    pub(crate) fn name(&self) -> Option<&str> {
        self.terms.iter().find(|t| t.equal && t.field == "metadata.name").map(|t| t.value.as_str())
    }

    /// Whether an object is selected; `read` gives the value of a field (empty when absent).
    pub(crate) fn matches(&self, read: impl Fn(&str) -> String) -> bool {
        self.terms.iter().all(|term| (read(&term.field) == term.value) == term.equal)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn selects(selector: &str, labels: &Value) -> bool {
        LabelSelector::parse(selector).unwrap().matches(labels.as_object().unwrap())
    }

    #[test]
    fn every_operator() {
        let labels = json!({"a": "1", "b": "2"});
        for yes in ["", "a=1", "a==1", "a!=2", "c!=1", "a in (1,2)", "c notin (1)", "a", "!c", "a=1,b in (2, 3)"] {
            assert!(selects(yes, &labels), "{yes}");
        }
        for no in ["a=2", "a!=1", "c", "!a", "a in (2)", "b notin (2,3)", "a=1,b=1"] {
            assert!(!selects(no, &labels), "{no}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in ["a in 1", "a b", "=x", "a near (1)"] {
            assert_eq!(LabelSelector::parse(bad).unwrap_err().code, 400, "{bad}");
        }
        assert_eq!(FieldSelector::parse("metadata.name").unwrap_err().code, 400);
    }

    #[test]
    fn fields() {
        let selector = FieldSelector::parse("metadata.name=a,spec.type!=LoadBalancer").unwrap();
        assert_eq!(selector.name(), Some("a"));
        let read = |name: &'static str, kind: &'static str| {
            selector.matches(move |field| if field == "metadata.name" { name } else { kind }.to_owned())
        };
        assert!(read("a", "ClusterIP"));
        assert!(!read("a", "LoadBalancer"));
        assert!(!read("b", "ClusterIP"));
    }
}
