//! Terms that many Services have in common, kept once.
//!
//! Most Services of a cluster have one port, no sharing key and no backend to agree on, so ten thousand of them have a
//! handful of terms.

use std::collections::HashSet;
use std::sync::Arc;

use crate::Terms;

/// How many different terms there may be before those that nobody has any more are looked for.
const PRUNE_FROM: usize = 64;

/// All terms in use, each once.
#[derive(Debug, Default)]
pub(crate) struct SharedTerms {
    known: HashSet<Arc<Terms>>,
    prune_at: usize,
}

impl SharedTerms {
    /// The one copy of `terms`.
    pub(crate) fn share(&mut self, terms: &Terms) -> Arc<Terms> {
        if let Some(known) = self.known.get(terms) {
            return known.clone();
        }
        if self.known.len() >= self.prune_at.max(PRUNE_FROM) {
            self.known.retain(|terms| Arc::strong_count(terms) > 1);
            self.prune_at = self.known.len().saturating_mul(2);
        }
        let terms = Arc::new(terms.clone());
        self.known.insert(terms.clone());
        terms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_terms_are_one_and_forgotten_terms_go() {
        let mut all = SharedTerms::default();
        let terms = |key: usize| Terms::new(Some(&key.to_string()), "", []);
        let kept = all.share(&terms(0));
        assert!(Arc::ptr_eq(&kept, &all.share(&terms(0))));
        for key in 1..10_000 {
            all.share(&terms(key));
        }
        assert!(all.known.len() <= 2 * PRUNE_FROM, "{}", all.known.len());
        assert!(Arc::ptr_eq(&kept, &all.share(&terms(0))));
        let many: Vec<_> = (0..1000).map(|key| all.share(&terms(key))).collect();
        assert_eq!(all.share(&terms(999)), many[999]);
    }
}
