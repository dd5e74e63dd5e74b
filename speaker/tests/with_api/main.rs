//! What the speaker sees of a real API over HTTPS (the embedded API server).
#![cfg(test)]

mod secrets;
