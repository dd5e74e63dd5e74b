//! Doing what was decided: patches to the API server, many at once.

mod patch;
mod writer;

pub use writer::{Writer, leftovers};
