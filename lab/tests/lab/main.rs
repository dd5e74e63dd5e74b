//! The lab's own promises, which the end-to-end suites rely on.

mod cluster;
mod network;
