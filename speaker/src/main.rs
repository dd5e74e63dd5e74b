//! The `herald-speaker` program.

fn main() {}
