//! From a stream of bytes to messages.
//!
//! ```text
//!   marker (16 × ff)   length (2)   type (1)   body (length - 19)
//! ```
//!
//! A header is judged as soon as it is there, before its body: nobody makes us wait for 65535 octets that can't be right.

use std::ops::RangeInclusive;

use super::Notification;

/// Length of a header in octets.
pub const HEADER: usize = 19;

/// Longest message in octets (RFC 4271 §4.1).
pub const MAX_LENGTH: usize = 4096;

/// Longest message in octets if extended messages were negotiated (RFC 8654).
pub const MAX_EXTENDED_LENGTH: usize = 65535;

const MARKER: usize = 16;

/// Message types (RFC 4271 §4.1, RFC 2918).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum MessageType {
    /// OPEN.
    Open = 1,
    /// UPDATE.
    Update = 2,
    /// NOTIFICATION.
    Notification = 3,
    /// KEEPALIVE.
    Keepalive = 4,
    /// ROUTE-REFRESH.
    RouteRefresh = 5,
}

impl MessageType {
    const ALL: [Self; 5] = [Self::Open, Self::Update, Self::Notification, Self::Keepalive, Self::RouteRefresh];

    /// How long a message can be. A ROUTE-REFRESH that is too short is for
    /// [`decode`](super::decode()) to judge: what to answer depends on what was negotiated (RFC 7313 §5).
    fn lengths(self, max_length: usize) -> RangeInclusive<usize> {
        match self {
            // RFC 8654 §4: extended messages are never OPEN or KEEPALIVE.
            Self::Open => HEADER + 10..=MAX_LENGTH,
            Self::Keepalive => HEADER..=HEADER,
            Self::Update => HEADER + 4..=max_length,
            Self::Notification => HEADER + 2..=max_length,
            Self::RouteRefresh => HEADER..=max_length,
        }
    }
}

/// A message whose header is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    kind: MessageType,
    message: &'a [u8],
}

impl<'a> Frame<'a> {
    /// The message's type.
    #[must_use]
    pub fn kind(self) -> MessageType {
        self.kind
    }

    /// What follows the header.
    #[must_use]
    pub fn body(self) -> &'a [u8] {
        self.message.get(HEADER..).unwrap_or_default()
    }

    /// All of it.
    #[must_use]
    pub fn message(self) -> &'a [u8] {
        self.message
    }
}

/// The first message in `buffer` and how many octets it takes; `None` if more have to come. `max_length` is
/// [`MAX_LENGTH`] or, if extended messages were negotiated, [`MAX_EXTENDED_LENGTH`]; so a buffer of that many octets is
/// enough.
///
/// # Errors
/// What to answer to bytes that begin no message (RFC 4271 §6.1): after that there is nothing to be read any more.
pub fn split(buffer: &[u8], max_length: usize) -> Result<Option<(Frame<'_>, usize)>, Notification> {
    if buffer.iter().take(MARKER).any(|octet| *octet != 0xff) {
        return Err(Notification::not_synchronized());
    }
    let Some([high, low, kind]) = buffer.get(MARKER..HEADER) else { return Ok(None) };
    let length = u16::from_be_bytes([*high, *low]);
    let max_length = max_length.clamp(MAX_LENGTH, MAX_EXTENDED_LENGTH);
    let octets = usize::from(length);
    // What no message can have is told before what this type can't have.
    if !(HEADER..=max_length).contains(&octets) {
        return Err(Notification::bad_message_length(length));
    }
    let Some(kind) = MessageType::ALL.into_iter().find(|known| *known as u8 == *kind) else {
        return Err(Notification::bad_message_type(*kind));
    };
    if !kind.lengths(max_length).contains(&octets) {
        return Err(Notification::bad_message_length(length));
    }
    Ok(buffer.get(..octets).map(|message| (Frame { kind, message }, octets)))
}

/// Begins a message in `out`: header with a length to be told by [`finish`]. Returns where it begins.
pub(super) fn begin(out: &mut Vec<u8>, kind: MessageType) -> usize {
    let start = out.len();
    out.extend([0xff; MARKER]);
    out.extend([0, 0, kind as u8]);
    start
}

/// Tells the header of the message that begins at `start`, and ends with `out`, how long it is. Callers have bounded that.
pub(super) fn finish(out: &mut [u8], start: usize) {
    let length = out.len().saturating_sub(start);
    debug_assert!(length <= MAX_EXTENDED_LENGTH, "{length} octets are no message");
    let length = u16::try_from(length).unwrap_or(u16::MAX);
    if let Some(field) = out.get_mut(start + MARKER..start + MARKER + 2) {
        field.copy_from_slice(&length.to_be_bytes());
    }
}

/// A message.
pub(super) fn join(kind: MessageType, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER + body.len());
    let start = begin(&mut out, kind);
    out.extend(body);
    finish(&mut out, start);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(length: u16, kind: u8) -> Vec<u8> {
        let mut bytes = vec![0xff; MARKER];
        bytes.extend(length.to_be_bytes());
        bytes.push(kind);
        bytes
    }

    fn error(bytes: &[u8], max_length: usize) -> Option<(u8, u8, Vec<u8>)> {
        split(bytes, max_length).err().map(|error| (error.code, error.subcode, error.data))
    }

    #[test]
    fn a_message_comes_in_pieces() {
        let mut stream = join(MessageType::Keepalive, &[]);
        stream.extend(join(MessageType::Notification, &[6, 2]));
        for end in 0..HEADER {
            assert_eq!(split(&stream[..end], MAX_LENGTH), Ok(None));
        }
        let (first, consumed) = split(&stream, MAX_LENGTH).unwrap().unwrap();
        assert_eq!((first.kind(), first.body(), consumed), (MessageType::Keepalive, &[][..], HEADER));
        for end in HEADER..stream.len() {
            assert_eq!(split(&stream[HEADER..end], MAX_LENGTH), Ok(None));
        }
        let (second, consumed) = split(&stream[HEADER..], MAX_LENGTH).unwrap().unwrap();
        assert_eq!((second.kind(), second.body(), consumed), (MessageType::Notification, &[6, 2][..], 21));
        assert_eq!(second.message(), &stream[HEADER..]);
    }

    #[test]
    fn a_marker_is_all_ones() {
        for at in 0..MARKER {
            let mut bytes = header(19, 4);
            bytes[at] = 0xfe;
            assert_eq!(error(&bytes, MAX_LENGTH), Some((1, 1, vec![])));
            assert_eq!(error(&bytes[..=at], MAX_LENGTH), Some((1, 1, vec![])), "as soon as it is seen");
        }
    }

    #[test]
    fn lengths_have_bounds() {
        let bad = |length: u16| Some((1, 2, length.to_be_bytes().to_vec()));
        for length in [0, 5, 18, 4097, 65535] {
            for kind in 0..=255 {
                assert_eq!(error(&header(length, kind), MAX_LENGTH), bad(length), "type {kind}");
            }
        }
        // OPEN, UPDATE, NOTIFICATION and KEEPALIVE have a least length.
        for (kind, least) in [(1, 29), (2, 23), (3, 21), (4, 19), (5, 19)] {
            for length in 19..least {
                assert_eq!(error(&header(length, kind), MAX_LENGTH), bad(length), "type {kind}");
            }
            assert_eq!(error(&header(least, kind), MAX_LENGTH), None);
        }
        assert_eq!(error(&header(20, 4), MAX_LENGTH), bad(20), "a KEEPALIVE is a header");
    }

    #[test]
    fn extended_messages_are_never_open_or_keepalive() {
        for kind in [2, 3, 5] {
            for length in [4097, 65535] {
                assert_eq!(error(&header(length, kind), MAX_EXTENDED_LENGTH), None);
            }
        }
        assert!(error(&header(4097, 1), MAX_EXTENDED_LENGTH).is_some());
        assert!(error(&header(4097, 4), MAX_EXTENDED_LENGTH).is_some());
        let long = join(MessageType::Update, &vec![0; MAX_EXTENDED_LENGTH - HEADER]);
        let (frame, consumed) = split(&long, MAX_EXTENDED_LENGTH).unwrap().unwrap();
        assert_eq!((frame.body().len(), consumed), (MAX_EXTENDED_LENGTH - HEADER, MAX_EXTENDED_LENGTH));
    }

    #[test]
    fn types_are_known() {
        for kind in [0, 6, 128, 255] {
            assert_eq!(error(&header(19, kind), MAX_LENGTH), Some((1, 3, vec![kind])));
        }
    }
}
