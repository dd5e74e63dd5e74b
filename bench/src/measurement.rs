//! One number and what is promised about it.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Serialize;
use serde_json::Value;

/// A number that was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Measurement {
    /// What was measured; the name that issues and documents use.
    pub name: String,
    /// What it came to.
    pub value: f64,
    /// Of what: `s`, `ms`, `ns`, `MiB`, `x` for ratios, `writes`.
    pub unit: &'static str,
    /// What it may be at most; absent for what is only told.
    pub budget: Option<f64>,
    /// Whether it is within its budget.
    pub pass: bool,
    /// Whether missing the budget fails the run; see `docs/bench.md`.
    pub decides: bool,
    /// Numbers that it was made of.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<&'static str, Value>,
}

impl Measurement {
    /// A number that is only told.
    #[must_use]
    pub fn told(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        let value = rounded(value);
        Self { name: name.into(), value, unit, budget: None, pass: true, decides: false, details: BTreeMap::new() }
    }

    /// With a budget that must be kept on every machine.
    #[must_use]
    pub fn must_be_at_most(self, budget: f64) -> Self {
        Self { decides: true, ..self.should_be_at_most(budget) }
    }

    /// With a budget that a fast enough machine keeps.
    #[must_use]
    pub fn should_be_at_most(self, budget: f64) -> Self {
        Self { budget: Some(budget), pass: self.value <= budget, ..self }
    }

    /// With a number that it was made of.
    #[must_use]
    pub fn with(mut self, what: &'static str, value: impl Into<Value>) -> Self {
        self.details.insert(what, value.into());
        self
    }

    /// Whether it fails the run.
    #[must_use]
    pub fn fails(&self) -> bool {
        self.decides && !self.pass
    }
}

/// Measures, and once more if a budget that decides was missed: something else may have been going on on the machine. The
/// second time counts.
///
/// # Errors
/// When it could not be measured.
pub async fn twice(mut measure: impl AsyncFnMut() -> Result<Vec<Measurement>>) -> Result<Vec<Measurement>> {
    let first = measure().await?;
    if !first.iter().any(Measurement::fails) {
        return Ok(first);
    }
    let values: Vec<_> = first.iter().map(|one| one.value).collect();
    let second = measure().await?;
    Ok(second.into_iter().zip(values).map(|(one, before)| one.with("first_attempt", before)).collect())
}

/// With three digits after the point: nothing here is more exact.
#[must_use]
pub fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_decides_fails() {
        let told = Measurement::told("a", 7.0, "x");
        assert!(told.pass && !told.fails());
        let should = told.clone().should_be_at_most(5.0);
        assert!(!should.pass && !should.fails());
        let must = told.must_be_at_most(5.0);
        assert!(!must.pass && must.fails());
        assert!(must.must_be_at_most(7.0).pass);
    }
}
