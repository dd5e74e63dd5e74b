//! End-to-end suites, run in the lab.
