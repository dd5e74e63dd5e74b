//! Where in an object a value is, written only when there is something to say about it.
//!
//! Walks hand a [`Path`] down the stack, each step borrowing the one above, so a valid object costs
//! no allocation; `to_string()` gives kube-apiserver's spelling, `spec.ports[0].name`.

use std::fmt;

/// A place in an object: the root, or one step below another place.
#[derive(Clone, Copy, Debug)]
pub enum Path<'a> {
    /// The object itself. Prints as nothing.
    Root,
    /// A fixed prefix, for example `spec.validation.openAPIV3Schema`.
    Prefix(&'a str),
    /// A named field: `.name`.
    Field(&'a Path<'a>, &'a str),
    /// A list item: `[3]`.
    Index(&'a Path<'a>, usize),
    /// An entry of a map: `[key]`.
    Key(&'a Path<'a>, &'a str),
}

impl<'a> Path<'a> {
    /// The field `name` below this place.
    #[must_use]
    pub fn field(&'a self, name: &'a str) -> Path<'a> {
        Path::Field(self, name)
    }

    /// Item `index` of the list at this place.
    #[must_use]
    pub fn index(&'a self, index: usize) -> Path<'a> {
        Path::Index(self, index)
    }

    /// The entry `key` of the map at this place.
    #[must_use]
    pub fn key(&'a self, key: &'a str) -> Path<'a> {
        Path::Key(self, key)
    }

    /// Whether this prints as nothing.
    #[must_use]
    pub fn is_root(&self) -> bool {
        matches!(self, Path::Root) || matches!(self, Path::Prefix(""))
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Root => Ok(()),
            Path::Prefix(text) => f.write_str(text),
            Path::Field(above, name) if above.is_root() => f.write_str(name),
            Path::Field(above, name) => write!(f, "{above}.{name}"),
            Path::Index(above, index) => write!(f, "{above}[{index}]"),
            Path::Key(above, key) => write!(f, "{above}[{key}]"),
        }
    }
}

/// A path as the `field` of a cause: the root has no name there.
pub(crate) struct FieldName<'a>(pub(crate) &'a Path<'a>);

impl fmt::Display for FieldName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_root() { f.write_str(crate::cause::NO_FIELD) } else { write!(f, "{}", self.0) }
    }
}
