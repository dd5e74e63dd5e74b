//! By what a Service is known.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// Namespace and name of a Service, in order of these two. Many things are kept by it: a copy costs nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServiceKey {
    /// `namespace/name`. Neither can contain a slash.
    text: Arc<str>,
}

impl ServiceKey {
    /// From its parts.
    #[must_use]
    pub fn new(namespace: &str, name: &str) -> Self {
        Self { text: format!("{namespace}/{name}").into() }
    }

    /// The namespace.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.parts().0
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.parts().1
    }

    fn parts(&self) -> (&str, &str) {
        self.text.split_once('/').unwrap_or_default()
    }
}

impl Ord for ServiceKey {
    fn cmp(&self, other: &Self) -> Ordering {
        match Arc::ptr_eq(&self.text, &other.text) {
            true => Ordering::Equal,
            false => self.parts().cmp(&other.parts()),
        }
    }
}

impl PartialOrd for ServiceKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_namespace_comes_first_also_in_the_order() {
        let key = ServiceKey::new("shop", "web");
        assert_eq!((key.namespace(), key.name(), key.to_string().as_str()), ("shop", "web", "shop/web"));
        // As text, `-` comes before `/`.
        assert!(ServiceKey::new("a", "z") < ServiceKey::new("a-b", "a"));
        assert!(ServiceKey::new("a", "a") < ServiceKey::new("a", "b"));
        assert_eq!(ServiceKey::new("a", "b").cmp(&ServiceKey::new("a", "b")), Ordering::Equal);
        assert!(ServiceKey::new("a", "").name().is_empty());
    }
}
