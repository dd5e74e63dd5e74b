//! NOTIFICATION messages.
//!
//! ```text
//!   code  subcode  data
//!   1     1        depends on code and subcode: the wrong length, the wrong attribute, a text for people, …
//! ```
//!
//! Code and subcode are plain numbers, so that those which nobody knows yet survive. All that Herald sends has a
//! constructor; [`Display`](std::fmt::Display) says any of them in words.

mod cease;
mod constructors;
mod shutdown;
#[cfg(test)]
mod tests;
mod words;

use super::frame::{self, MessageType};

/// A NOTIFICATION message (RFC 4271 §4.5): why a session ends. Also the error of all that judges a peer's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Error code.
    pub code: u8,
    /// Error subcode.
    pub subcode: u8,
    /// Further data, as the code asks for.
    pub data: Vec<u8>,
}

/// Most octets of data in a message that every peer takes.
const MAX_DATA: usize = frame::MAX_LENGTH - frame::HEADER - 2;

/// Error codes (RFC 4271 §4.5, and as told).
pub mod code {
    /// Message Header Error.
    pub const HEADER: u8 = 1;
    /// OPEN Message Error.
    pub const OPEN: u8 = 2;
    /// UPDATE Message Error.
    pub const UPDATE: u8 = 3;
    /// Hold Timer Expired.
    pub const HOLD_TIMER: u8 = 4;
    /// Finite State Machine Error.
    pub const STATE_MACHINE: u8 = 5;
    /// Cease.
    pub const CEASE: u8 = 6;
    /// ROUTE-REFRESH Message Error (RFC 7313).
    pub const ROUTE_REFRESH: u8 = 7;
    /// Send Hold Timer Expired (RFC 9687).
    pub const SEND_HOLD_TIMER: u8 = 8;
}

impl Notification {
    /// A message without data.
    pub(crate) fn new(code: u8, subcode: u8) -> Self {
        Self { code, subcode, data: Vec::new() }
    }

    /// A message with data.
    pub(crate) fn with_data(code: u8, subcode: u8, data: impl Into<Vec<u8>>) -> Self {
        Self { code, subcode, data: data.into() }
    }

    /// The body of a NOTIFICATION, which [`frame::split`] has seen to hold two octets at least. There is nothing wrong that
    /// could be answered: what is too short reads as 0.
    pub(crate) fn decode(body: &[u8]) -> Self {
        let octet = |at: usize| body.get(at).copied().unwrap_or(0);
        Self::with_data(octet(0), octet(1), body.get(2..).unwrap_or_default())
    }

    /// The message, header included. Data that does not fit into 4096 octets is cut.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let data = self.data.get(..MAX_DATA).unwrap_or(&self.data);
        let mut body = Vec::with_capacity(data.len() + 2);
        body.extend([self.code, self.subcode]);
        body.extend(data);
        frame::join(MessageType::Notification, &body)
    }
}
