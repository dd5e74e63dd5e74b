//! The metallb.io API: types, CEL rules, generated YAML, and the border to the pure crates.
