//! Sessions over real TCP: two of ours, of which one only listens, and peers that behave badly.
#![cfg(test)]

mod changes;
mod ends;
mod listening;
mod misbehaving;
mod router;
mod wanted;
