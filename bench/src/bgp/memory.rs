//! Whether a process's memory stays what it is.

/// What it was, again and again, at equal intervals.
#[derive(Clone, Debug, Default)]
pub struct Memory(Vec<f64>);

impl Memory {
    /// What it is now.
    pub fn add(&mut self, mib: f64) {
        self.0.push(mib);
    }

    /// The most that it was.
    pub fn most(&self) -> f64 {
        self.0.iter().copied().fold(0.0, f64::max)
    }

    /// What it was last.
    pub fn last(&self) -> f64 {
        self.0.last().copied().unwrap_or_default()
    }

    /// By how much the most of the last quarter of the time exceeds the most of the second. (In the first it comes to be what
    /// it is.)
    pub fn growth(&self) -> f64 {
        let quarter = self.0.len() / 4;
        let most = |from: usize| self.0.iter().skip(from).take(quarter).copied().fold(0.0, f64::max);
        (most(3 * quarter + self.0.len() % 4) - most(quarter)).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_what_comes_after_the_beginning() {
        let of = |all: &[f64]| Memory(all.to_vec()).growth();
        assert_eq!(of(&[]), 0.0);
        assert_eq!(of(&[1.0, 9.0, 10.0, 10.0, 9.0, 8.0, 10.0, 9.0]), 0.0);
        assert_eq!(of(&[1.0, 9.0, 10.0, 10.0, 9.0, 8.0, 10.0, 13.0, 12.0]), 3.0);
    }
}
