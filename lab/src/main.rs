//! The `herald-lab` program.

fn main() {}
