//! Label and field selectors.

use std::collections::VecDeque;

use serde_json::{Map, Value};

use super::validation::qualified_name_faults;
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
    Greater(i64),
    Less(i64),
}

impl LabelSelector {
    /// Parses `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1,m<2`.
    ///
    /// # Errors
    /// 400 naming what could not be read.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let mut parser = Parser { tokens: tokens(text) };
        let requirements = parser
            .requirements()
            .map_err(|why| ApiError::bad_request(format!("unable to parse requirement: {why}")))?;
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
            let number = || value.and_then(|value| value.parse::<i64>().ok());
            match &requirement.test {
                Test::In(values) => value.is_some_and(|v| values.iter().any(|w| w == v)),
                Test::NotIn(values) => value.is_none_or(|v| values.iter().all(|w| w != v)),
                Test::Exists => value.is_some(),
                Test::Absent => value.is_none(),
                Test::Greater(than) => number().is_some_and(|number| number > *than),
                Test::Less(than) => number().is_some_and(|number| number < *than),
            }
        })
    }
}

/// Splits a selector into words and operators.
fn tokens(text: &str) -> VecDeque<String> {
    let is_special = |c: char| "=!(),<>".contains(c);
    let mut tokens: VecDeque<String> = VecDeque::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if is_special(first) {
            let two = ["==", "!="].iter().any(|operator| rest.starts_with(operator));
            if two { 2 } else { 1 }
        } else {
            rest.find(|c: char| c.is_whitespace() || is_special(c)).unwrap_or(rest.len())
        };
        let (token, tail) = rest.split_at(length);
        tokens.push_back(token.to_owned());
        rest = tail.trim_start();
    }
    tokens
}

/// Reads requirements; what is said of what it cannot read are kube-apiserver's words.
struct Parser {
    tokens: VecDeque<String>,
}

impl Parser {
    fn requirements(&mut self) -> Result<Vec<Requirement>, String> {
        let mut requirements = Vec::new();
        while !self.peek().is_empty() {
            requirements.push(self.requirement()?);
            match self.next().as_str() {
                "" => break,
                "," if self.peek().is_empty() => return Err("found '', expected: identifier after ','".to_owned()),
                "," => {}
                other => return Err(format!("found '{other}', expected: ',' or 'end of string'")),
            }
        }
        Ok(requirements)
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let absent = self.peek() == "!";
        if absent {
            self.next();
        }
        let key = self.next();
        if !key.chars().next().is_some_and(|c| c.is_ascii_alphanumeric()) {
            return Err(format!("found '{key}', expected: !, identifier, or 'end of string'"));
        }
        if let Some(fault) = qualified_name_faults(&key).first() {
            return Err(format!("<nil>: Invalid value: {key:?}: {fault}"));
        }
        if absent {
            return Ok(Requirement { key, test: Test::Absent });
        }
        if matches!(self.peek(), "" | ",") {
            return Ok(Requirement { key, test: Test::Exists });
        }
        let operator = self.next();
        let test = match operator.as_str() {
            "=" | "==" => Test::In(vec![self.value()]),
            "!=" => Test::NotIn(vec![self.value()]),
            "in" => Test::In(self.values()?),
            "notin" => Test::NotIn(self.values()?),
            ">" => Test::Greater(self.number()?),
            "<" => Test::Less(self.number()?),
            other => return Err(format!("found '{other}', expected: in, notin, =, ==, !=, gt, lt")),
        };
        Ok(Requirement { key, test })
    }

    /// A value, which may be empty.
    fn value(&mut self) -> String {
        if matches!(self.peek(), "" | ",") { String::new() } else { self.next() }
    }

    fn number(&mut self) -> Result<i64, String> {
        let text = self.value();
        text.parse().map_err(|_| {
            format!("<nil>: Invalid value: {text:?}: for 'Gt', 'Lt' operators, the value must be an integer")
        })
    }

    fn values(&mut self) -> Result<Vec<String>, String> {
        let open = self.next();
        if open != "(" {
            return Err(format!("found '{open}' expected: '('"));
        }
        let mut values = Vec::new();
        loop {
            values.push(if matches!(self.peek(), "," | ")") { String::new() } else { self.next() });
            match self.next().as_str() {
                "," => {}
                ")" => return Ok(values),
                other => return Err(format!("found '{other}', expected: ',' or ')'")),
            }
        }
    }

    fn peek(&self) -> &str {
        self.tokens.front().map(String::as_str).unwrap_or_default()
    }

    fn next(&mut self) -> String {
        self.tokens.pop_front().unwrap_or_default()
    }
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
        let read = |name: &'static str, kind: &'static str| {
            selector.matches(move |field| if field == "metadata.name" { name } else { kind }.to_owned())
        };
        assert!(read("a", "ClusterIP"));
        assert!(!read("a", "LoadBalancer"));
        assert!(!read("b", "ClusterIP"));
    }
}
