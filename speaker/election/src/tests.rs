//! Vectors of the reference, the rules one by one, and laws that hold for any question.

mod laws;
mod rules;
mod vectors;
