//! I/O errors that say what was tried.

use std::error::Error;
use std::{fmt, io};

/// What was tried, around the system's own words.
#[derive(Debug)]
struct Context {
    what: String,
    source: io::Error,
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.source)
    }
}

impl Error for Context {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}

/// Adds to an error what was tried; the kind stays. "Would block" passes unchanged: it is no failure, and frequent.
pub(crate) trait Describe<T> {
    fn describe(self, what: impl FnOnce() -> String) -> io::Result<T>;
}

impl<T> Describe<T> for io::Result<T> {
    fn describe(self, what: impl FnOnce() -> String) -> Self {
        self.map_err(|source| match source.kind() {
            io::ErrorKind::WouldBlock => source,
            kind => io::Error::new(kind, Context { what: what(), source }),
        })
    }
}
