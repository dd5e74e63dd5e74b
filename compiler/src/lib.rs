//! What the configuration objects mean: pools, advertisements and a verdict per object.
