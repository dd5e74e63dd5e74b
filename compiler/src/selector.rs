//! Label selectors (`metav1.LabelSelector`), checked once and then only asked.
//!
//! All terms of one selector must hold; an empty selector matches everything. In a *list* of
//! selectors one match is enough; what an empty list means is up to the field (see
//! [`matches_any_or_empty`]). `NotIn` and `DoesNotExist` hold for labels that are absent, as in
//! Kubernetes.

mod label;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;

use crate::object::{LabelSelector, LabelSelectorRequirement, Labels};

/// A checked label selector.
///
/// Two selectors are equal when they say the same terms, in whatever order they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Selector {
    /// Sorted, so that equality and text do not depend on the order written.
    terms: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Term {
    key: String,
    test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Test {
    Is(String),
    In(BTreeSet<String>),
    NotIn(BTreeSet<String>),
    Exists,
    DoesNotExist,
}

/// Why a label selector cannot be used. Each names the key and the operator concerned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// The operator is none of the four.
    #[error(
        "matchExpressions key \"{key}\" has the unknown operator \"{operator}\": \
         write In, NotIn, Exists or DoesNotExist"
    )]
    UnknownOperator {
        /// Label key of the term.
        key: String,
        /// The operator as written.
        operator: String,
    },
    /// `In` or `NotIn` without a value.
    #[error(
        "matchExpressions key \"{key}\" with operator {operator} has no values: \
         list at least one, or use Exists or DoesNotExist"
    )]
    NoValues {
        /// Label key of the term.
        key: String,
        /// The operator as written.
        operator: String,
    },
    /// `Exists` or `DoesNotExist` with values.
    #[error(
        "matchExpressions key \"{key}\" with operator {operator} takes no values: \
         remove them, or use In or NotIn"
    )]
    NeedlessValues {
        /// Label key of the term.
        key: String,
        /// The operator as written.
        operator: String,
    },
    /// Not a label key.
    #[error(
        "\"{key}\" (operator {operator}) is not a label key: write letters, digits, '-', '_' and \
         '.', at most 63, begun and ended by a letter or digit, with an optional DNS name and '/' \
         before them"
    )]
    InvalidKey {
        /// The key as written.
        key: String,
        /// The operator of its term; `matchLabels` for the short form.
        operator: String,
    },
    /// Not a label value.
    #[error(
        "\"{value}\" for key \"{key}\" (operator {operator}) is not a label value: write letters, \
         digits, '-', '_' and '.', at most 63, begun and ended by a letter or digit"
    )]
    InvalidValue {
        /// Label key of the term.
        key: String,
        /// The operator of its term; `matchLabels` for the short form.
        operator: String,
        /// The value as written.
        value: String,
    },
    /// The same thing twice, where once says it all.
    #[error("duplicate definition of {field} \"{value}\": list it once")]
    Duplicate {
        /// Field with the repetition.
        field: String,
        /// What is repeated.
        value: String,
    },
}

impl Selector {
    /// Checks a selector: operators, their values, keys.
    ///
    /// # Errors
    /// The first thing found wrong; names the key and the operator.
    pub fn compile(selector: &LabelSelector) -> Result<Self, SelectorError> {
        let mut terms = Vec::new();
        for (key, value) in &selector.match_labels {
            label::check_key(key, "matchLabels")?;
            label::check_value(key, "matchLabels", value)?;
            terms.push(Term { key: key.clone(), test: Test::Is(value.clone()) });
        }
        for requirement in &selector.match_expressions {
            terms.push(Term::compile(requirement)?);
        }
        terms.sort();
        Ok(Self { terms })
    }

    /// Checks a list of selectors as [`compile`](Self::compile) does, and that nothing is said
    /// twice: no selector, no term inside one, no value inside a term.
    ///
    /// # Errors
    /// The first thing found wrong; a repetition names `field`.
    pub fn compile_list(field: &str, selectors: &[LabelSelector]) -> Result<Vec<Self>, SelectorError> {
        let mut compiled = Vec::with_capacity(selectors.len());
        let mut seen = BTreeSet::new();
        for written in selectors {
            check_values_once(written)?;
            let selector = Self::compile(written)?;
            if let Some(pair) = selector.terms.windows(2).find(|pair| pair[0] == pair[1]) {
                return Err(duplicate("matchExpressions", &pair[0]));
            }
            if !seen.insert(selector.clone()) {
                return Err(duplicate(field, &selector));
            }
            compiled.push(selector);
        }
        Ok(compiled)
    }

    /// True if `labels` satisfy every term.
    #[must_use]
    pub fn matches(&self, labels: &Labels) -> bool {
        self.terms.iter().all(|term| term.holds(labels))
    }
}

/// True if one of `selectors` matches, or there is none: the reading of `nodeSelectors` and
/// `serviceSelectors`, where an empty list restricts nothing.
#[must_use]
pub fn matches_any_or_empty(selectors: &[Selector], labels: &Labels) -> bool {
    selectors.is_empty() || selectors.iter().any(|selector| selector.matches(labels))
}

impl Term {
    fn compile(requirement: &LabelSelectorRequirement) -> Result<Self, SelectorError> {
        let LabelSelectorRequirement { key, operator, values } = requirement;
        let set = || values.iter().cloned().collect();
        let test = match operator.as_str() {
            "In" => Test::In(set()),
            "NotIn" => Test::NotIn(set()),
            "Exists" => Test::Exists,
            "DoesNotExist" => Test::DoesNotExist,
            _ => {
                return Err(SelectorError::UnknownOperator { key: key.clone(), operator: operator.clone() });
            }
        };
        let takes_values = matches!(test, Test::In(_) | Test::NotIn(_));
        if takes_values && values.is_empty() {
            return Err(SelectorError::NoValues { key: key.clone(), operator: operator.clone() });
        }
        if !takes_values && !values.is_empty() {
            return Err(SelectorError::NeedlessValues { key: key.clone(), operator: operator.clone() });
        }
        label::check_key(key, operator)?;
        for value in values {
            label::check_value(key, operator, value)?;
        }
        Ok(Self { key: key.clone(), test })
    }

    fn holds(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.key);
        match &self.test {
            Test::Is(wanted) => value == Some(wanted),
            Test::In(wanted) => value.is_some_and(|value| wanted.contains(value)),
            Test::NotIn(unwanted) => value.is_none_or(|value| !unwanted.contains(value)),
            Test::Exists => value.is_some(),
            Test::DoesNotExist => value.is_none(),
        }
    }
}

fn check_values_once(selector: &LabelSelector) -> Result<(), SelectorError> {
    for requirement in &selector.match_expressions {
        let mut seen = BTreeSet::new();
        for value in &requirement.values {
            if !seen.insert(value) {
                let field = format!("value of key \"{}\" with operator {}", requirement.key, requirement.operator);
                return Err(duplicate(&field, value));
            }
        }
    }
    Ok(())
}

fn duplicate(field: &str, value: &dyn fmt::Display) -> SelectorError {
    SelectorError::Duplicate { field: field.into(), value: value.to_string() }
}

/// In the syntax of `kubectl get -l`; an empty selector is `everything`.
impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.terms.is_empty() {
            return f.write_str("everything");
        }
        for (index, term) in self.terms.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{term}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |values: &BTreeSet<String>| {
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            values.join(",")
        };
        let key = &self.key;
        match &self.test {
            Test::Is(value) => write!(f, "{key}={value}"),
            Test::In(values) => write!(f, "{key} in ({})", list(values)),
            Test::NotIn(values) => write!(f, "{key} notin ({})", list(values)),
            Test::Exists => f.write_str(key),
            Test::DoesNotExist => write!(f, "!{key}"),
        }
    }
}
