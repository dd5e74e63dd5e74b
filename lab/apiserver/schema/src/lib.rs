//! Structural schemas: defaulting, pruning, validation, CEL.
