//! Messages from outside of the crate: what other implementations send, what nobody should, and what we write.
#![cfg(test)]

mod any_bytes;
mod golden;
mod round_trip;
mod wire;
mod zettabgp;
