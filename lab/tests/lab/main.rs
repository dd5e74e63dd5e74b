//! The lab's own promises, which the end-to-end suites rely on.

mod cluster;
mod dual_stack;
mod network;
mod routers;
