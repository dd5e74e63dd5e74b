//! The datagram, from the outside in.
//!
//! ```text
//!   in clear, authenticated                                   sealed (XChaCha20-Poly1305)
//!  ┌─────────┬──────────┬───────┬─────────┬──────┬─────────┬────────┐┌───────┬──────────────────────────┬─────┐
//!  │ version │ readable │ flags │ sender  │ boot │ counter │ key id ││ nonce │ body                     │ tag │
//!  │ u8      │ by u8    │ u8    │ u8+name │ u64  │ u64     │ u32    ││ 24    │                          │ 16  │
//!  └─────────┴──────────┴───────┴─────────┴──────┴─────────┴────────┘└───────┴──────────────────────────┴─────┘
//!   body:  to (hash of name) u64 │ to (rank) u64 │ from (rank) u64 │ sections: kind u8, length u16, content
//!   sections:  SWIM (foca's message) │ RECORD (facts of one node) │ ACK (which facts of yours I have) │ BEAT
//! ```
//!
//! * [`envelope`] seals and opens; the cluster's UID and the clear part are its associated data.
//! * [`body`] frames the sections. Unknown kinds are skipped, so a newer speaker may add some.
//! * [`swim`] is foca's message in bytes, [`record`] the facts.
//!
//! All integers are big-endian. **Versions:** a sender states its format and the oldest format whose reader
//! understands the datagram. A change that old readers can skip raises only the first; any other must be sent in the
//! old form for one release. So N and N−1 interoperate by construction.

pub(crate) mod body;
pub(crate) mod envelope;
pub(crate) mod field;
pub(crate) mod record;
pub(crate) mod swim;
#[cfg(test)]
mod tests;

/// No datagram is longer, in bytes: it fits the MTU of a tunnel on Ethernet with IPv6 and UDP headers.
pub const MAX_DATAGRAM: usize = 1_400;

/// Room for foca's message. What remains in the worst case (all names of 253 bytes) still holds the headers.
pub(crate) const MAX_SWIM: usize = 1_000;

/// Authentic bytes that make no sense: a peer's defect, or a format we should have refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed: {0}")]
pub(crate) struct Malformed(pub(crate) &'static str);

impl From<bytes::TryGetError> for Malformed {
    fn from(_: bytes::TryGetError) -> Self {
        Self("ends too early")
    }
}
