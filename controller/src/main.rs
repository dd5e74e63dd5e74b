//! The `herald-controller` program.

fn main() {}
