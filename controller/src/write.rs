//! Doing what was decided: patches to the API server, many at once.

mod leadership;
mod patch;
mod writer;

pub use leadership::Leadership;
pub use writer::{Writer, leftovers};
