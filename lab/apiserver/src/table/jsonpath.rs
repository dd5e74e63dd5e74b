//! The JSON paths of printer columns and selectable fields.
//!
//! Kubernetes' own dialect: `.spec.addresses[0]`, `.metadata.labels['a.b/c']`,
//! `.status.conditions[?(@.type=="Ready")].status`, `.spec.ports[*].port`, optionally in braces.

use serde_json::Value;

/// A parsed path.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct JsonPath {
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq)]
enum Step {
    /// `.name` or `['name']`
    Field(String),
    /// `[3]`, `[-1]`
    Index(i64),
    /// `[1:3]`
    Slice(Option<i64>, Option<i64>),
    /// `[*]`, `.*`
    All,
    /// `[?(@.type=="Ready")]`
    Filter { left: Vec<Step>, operator: Operator, right: Value },
    /// `..name`
    Descend(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Exists,
}

const OPERATORS: [(&str, Operator); 6] = [
    ("==", Operator::Equal),
    ("!=", Operator::NotEqual),
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("<", Operator::Less),
    (">", Operator::Greater),
];

impl JsonPath {
    /// Parses a path.
    ///
    /// # Errors
    /// A sentence on what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let trimmed = text.trim();
        let inner = trimmed.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(trimmed);
        let inner = inner.strip_prefix('$').unwrap_or(inner);
        if !inner.starts_with(['.', '[']) {
            return Err(format!(
                "unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{{name1.name2}}' or '{{.name1.name2}}': {text}"
            ));
        }
        Ok(Self { steps: steps(inner)? })
    }

    /// Everything the path leads to, in order; missing fields lead nowhere.
    pub(crate) fn find<'v>(&self, root: &'v Value) -> Vec<&'v Value> {
        find(&self.steps, root)
    }
}

fn find<'v>(steps: &[Step], root: &'v Value) -> Vec<&'v Value> {
    steps.iter().fold(vec![root], |found, step| found.into_iter().flat_map(|value| step.apply(value)).collect())
}

fn steps(text: &str) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(tail) = rest.strip_prefix("..") {
            let (name, tail) = word(tail);
            steps.push(Step::Descend(name));
            rest = tail;
        } else if let Some(tail) = rest.strip_prefix('.') {
            let (name, tail) = word(tail);
            match name.as_str() {
                "" => {}
                "*" => steps.push(Step::All),
                _ => steps.push(Step::Field(name)),
            }
            rest = tail;
        } else if let Some(tail) = rest.strip_prefix('[') {
            let end = closing(tail).ok_or("unterminated array")?;
            steps.push(bracket(&tail[..end])?);
            rest = &tail[end + 1..];
        } else {
            return Err(format!("unrecognized character in action: {:?}", rest.chars().next().unwrap_or_default()));
        }
    }
    Ok(steps)
}

/// A field name up to the next `.` or `[`; a backslash keeps the next character.
fn word(text: &str) -> (String, &str) {
    let mut name = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '.' | '[' => return (name, &text[at..]),
            '\\' => name.extend(chars.next().map(|(_, c)| c)),
            c => name.push(c),
        }
    }
    (name, "")
}

/// Where the bracket that was opened before `text` closes, quotes and inner brackets aside.
fn closing(text: &str) -> Option<usize> {
    let (mut depth, mut quote) = (0_usize, None);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '[') => depth += 1,
            (None, ']') if depth == 0 => return Some(at),
            (None, ']') => depth -= 1,
            (None, _) => {}
        }
    }
    None
}

fn bracket(text: &str) -> Result<Step, String> {
    let text = text.trim();
    if text == "*" {
        return Ok(Step::All);
    }
    if let Some(filter) = text.strip_prefix("?(").and_then(|rest| rest.strip_suffix(')')) {
        return self::filter(filter);
    }
    if let Some(name) = unquote(text) {
        return Ok(Step::Field(name.to_owned()));
    }
    let invalid = || format!("invalid array index {text}");
    let bound = |text: &str| -> Result<Option<i64>, String> {
        if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(|_| invalid()) }
    };
    match text.split_once(':') {
        Some((from, to)) => Ok(Step::Slice(bound(from)?, bound(to)?)),
        None => text.parse().map(Step::Index).map_err(|_| invalid()),
    }
}

fn filter(text: &str) -> Result<Step, String> {
    let found = OPERATORS.iter().filter_map(|(sign, operator)| Some((text.find(sign)?, sign, *operator)));
    let Some((at, sign, operator)) = found.min_by_key(|(at, sign, _)| (*at, std::cmp::Reverse(sign.len()))) else {
        return Ok(Step::Filter { left: operand(text)?, operator: Operator::Exists, right: Value::Null });
    };
    let right = text[at + sign.len()..].trim();
    let right = match unquote(right) {
        Some(text) => Value::from(text),
        None => serde_json::from_str(right).map_err(|_| format!("unrecognized operand {right}"))?,
    };
    Ok(Step::Filter { left: operand(&text[..at])?, operator, right })
}

fn operand(text: &str) -> Result<Vec<Step>, String> {
    match text.trim().strip_prefix('@') {
        Some(path) => steps(path),
        None => Err(format!("expected @ in filter: {text}")),
    }
}

fn unquote(text: &str) -> Option<&str> {
    let inner = |quote| text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    inner('\'').or_else(|| inner('"'))
}

impl Step {
    fn apply<'v>(&self, value: &'v Value) -> Vec<&'v Value> {
        match (self, value) {
            (Step::Field(name), Value::Object(fields)) => fields.get(name).into_iter().collect(),
            (Step::All, Value::Object(fields)) => fields.values().collect(),
            (Step::All, Value::Array(items)) => items.iter().collect(),
            (Step::Index(index), Value::Array(items)) => {
                position(*index, items.len()).and_then(|at| items.get(at)).into_iter().collect()
            }
            (Step::Slice(from, to), Value::Array(items)) => {
                let bound = |bound: &Option<i64>, other| match bound {
                    Some(index) => position(*index, items.len()).unwrap_or(0).min(items.len()),
                    None => other,
                };
                let (from, to) = (bound(from, 0), bound(to, items.len()));
                items.get(from..to).unwrap_or_default().iter().collect()
            }
            (Step::Filter { left, operator, right }, Value::Array(items)) => {
                items.iter().filter(|item| operator.holds(find(left, item).first().copied(), right)).collect()
            }
            (Step::Descend(name), value) => descend(name, value),
            _ => Vec::new(),
        }
    }
}

/// Counts from the end when negative.
fn position(index: i64, length: usize) -> Option<usize> {
    if index >= 0 {
        usize::try_from(index).ok()
    } else {
        length.checked_sub(usize::try_from(index.unsigned_abs()).ok()?)
    }
}

fn descend<'v>(name: &str, value: &'v Value) -> Vec<&'v Value> {
    match value {
        Value::Object(fields) => {
            let mut found: Vec<&Value> = fields.get(name).into_iter().collect();
            found.extend(fields.values().flat_map(|value| descend(name, value)));
            found
        }
        Value::Array(items) => items.iter().flat_map(|value| descend(name, value)).collect(),
        _ => Vec::new(),
    }
}

impl Operator {
    fn holds(self, left: Option<&Value>, right: &Value) -> bool {
        use std::cmp::Ordering::{Equal, Greater, Less};
        let Some(left) = left else { return false };
        let order = match (left, right) {
            (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
            (Value::Number(a), Value::Number(b)) => a.as_f64().partial_cmp(&b.as_f64()),
            (a, b) => (a == b).then_some(Equal),
        };
        match self {
            Operator::Exists => true,
            Operator::Equal => order == Some(Equal),
            Operator::NotEqual => order != Some(Equal),
            Operator::Less => order == Some(Less),
            Operator::LessOrEqual => matches!(order, Some(Less | Equal)),
            Operator::Greater => order == Some(Greater),
            Operator::GreaterOrEqual => matches!(order, Some(Greater | Equal)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object() -> Value {
        json!({
            "metadata": {"labels": {"a.b/c": "x"}},
            "spec": {"ports": [{"name": "a", "port": 1}, {"name": "b", "port": 2}, {"port": 3}]},
            "status": {"conditions": [
                {"type": "Ready", "status": "True"}, {"type": "Accepted", "status": "False"},
            ]},
        })
    }

    fn found(path: &str) -> Vec<Value> {
        JsonPath::parse(path).unwrap().find(&object()).into_iter().cloned().collect()
    }

    #[test]
    fn paths_lead_where_kubectl_goes() {
        assert_eq!(found(".spec.ports[0].name"), [json!("a")]);
        assert_eq!(found("{.spec.ports[-1].port}"), [json!(3)]);
        assert_eq!(found(".spec.ports[*].port"), [json!(1), json!(2), json!(3)]);
        assert_eq!(found(".spec.ports[1:].port"), [json!(2), json!(3)]);
        assert_eq!(found(".metadata.labels['a.b/c']"), [json!("x")]);
        assert_eq!(found(r".metadata.labels.a\.b/c"), [json!("x")]);
        assert_eq!(found(r#".status.conditions[?(@.type=="Accepted")].status"#), [json!("False")]);
        assert_eq!(found(".status.conditions[?(@.type=='Ready')].status"), [json!("True")]);
        assert_eq!(found(".spec.ports[?(@.port>=2)].port"), [json!(2), json!(3)]);
        assert_eq!(found(".spec.ports[?(@.name)].port"), [json!(1), json!(2)]);
        assert_eq!(found("..port"), [json!(1), json!(2), json!(3)]);
        assert_eq!(found(".spec.nothing.here"), Vec::<Value>::new());
        assert_eq!(found(".spec.ports[9]"), Vec::<Value>::new());
    }

    #[test]
    fn malformed_paths_are_refused() {
        for path in ["spec", "", ".spec[", ".spec[x]", ".a[?(b==1)]", ".a[?(@.b==)]"] {
            assert!(JsonPath::parse(path).is_err(), "{path}");
        }
    }
}
