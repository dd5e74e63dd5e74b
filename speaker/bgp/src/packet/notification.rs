//! NOTIFICATION messages.

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
