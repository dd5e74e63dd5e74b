//! ROUTE-REFRESH messages.
//!
//! ```text
//!   AFI (2)   subtype (1)   SAFI (1)
//! ```

use super::frame::{self, Frame, MessageType};
use super::reader::Reader;
use super::{Message, Notification};
use crate::value::Family;

/// A ROUTE-REFRESH message (RFC 2918, RFC 7313).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteRefresh {
    /// Of which routes.
    pub family: Family,
    /// What it says.
    pub kind: RefreshKind,
}

/// Message subtype (RFC 7313 §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshKind {
    /// 0: send all routes again.
    Request,
    /// 1: all routes follow again.
    Begin,
    /// 2: those were all.
    End,
}

/// Octets of the body; more are only in requests with filters (RFC 5291), which we never asked for and don't read.
const BODY: usize = 4;

/// # Errors
/// For a wrong length: RFC 7313's own error if both ends know it, else RFC 4271's.
pub(super) fn decode(frame: Frame<'_>, enhanced: bool) -> Result<Message, Notification> {
    let wrong_length = || match u16::try_from(frame.message().len()) {
        Ok(length) if !enhanced => Notification::bad_message_length(length),
        _ => Notification::invalid_refresh_length(frame.message()),
    };
    let mut reader = Reader(frame.body());
    let (Some(afi), Some([subtype, safi])) = (reader.u16(), reader.array()) else { return Err(wrong_length()) };
    let kind = match subtype {
        0 => RefreshKind::Request,
        // Without RFC 7313 the octet is reserved and to be ignored (RFC 2918 §3).
        _ if !enhanced => RefreshKind::Request,
        1 | 2 if !reader.is_empty() => return Err(wrong_length()),
        1 => RefreshKind::Begin,
        2 => RefreshKind::End,
        _ => return Ok(Message::OtherRefresh),
    };
    let family = Family::from_wire(afi, safi);
    Ok(family.map_or(Message::OtherRefresh, |family| Message::RouteRefresh(RouteRefresh { family, kind })))
}

/// A ROUTE-REFRESH message, header included.
#[must_use]
pub fn encode(refresh: &RouteRefresh) -> Vec<u8> {
    let [high, low] = refresh.family.afi().to_be_bytes();
    let subtype = match refresh.kind {
        RefreshKind::Request => 0,
        RefreshKind::Begin => 1,
        RefreshKind::End => 2,
    };
    let body: [u8; BODY] = [high, low, subtype, Family::UNICAST];
    frame::join(MessageType::RouteRefresh, &body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::frame::{MAX_LENGTH, split};

    fn read(body: &[u8], enhanced: bool) -> Result<Message, Notification> {
        let message = frame::join(MessageType::RouteRefresh, body);
        decode(split(&message, MAX_LENGTH)?.unwrap().0, enhanced)
    }

    fn refresh(family: Family, kind: RefreshKind) -> Result<Message, Notification> {
        Ok(Message::RouteRefresh(RouteRefresh { family, kind }))
    }

    #[test]
    fn requests_are_read() {
        assert_eq!(read(&[0, 1, 0, 1], false), refresh(Family::Ipv4, RefreshKind::Request));
        assert_eq!(read(&[0, 2, 0, 1], true), refresh(Family::Ipv6, RefreshKind::Request));
        assert_eq!(read(&[0, 2, 0, 128], true), Ok(Message::OtherRefresh));
        assert_eq!(read(&[0, 25, 0, 70], false), Ok(Message::OtherRefresh));
    }

    #[test]
    fn subtypes_count_if_negotiated() {
        assert_eq!(read(&[0, 1, 1, 1], true), refresh(Family::Ipv4, RefreshKind::Begin));
        assert_eq!(read(&[0, 1, 2, 1], true), refresh(Family::Ipv4, RefreshKind::End));
        assert_eq!(read(&[0, 1, 3, 1], true), Ok(Message::OtherRefresh));
        assert_eq!(read(&[0, 1, 2, 1], false), refresh(Family::Ipv4, RefreshKind::Request));
    }

    #[test]
    fn a_wrong_length_is_answered_by_what_was_negotiated() {
        let error =
            |body: &[u8], enhanced| read(body, enhanced).map_err(|error| (error.code, error.subcode, error.data));
        let whole = |body: &[u8]| frame::join(MessageType::RouteRefresh, body);
        for body in [&[][..], &[0], &[0, 1, 0]] {
            let length = u8::try_from(19 + body.len()).unwrap();
            assert_eq!(error(body, false), Err((1, 2, vec![0, length])));
            assert_eq!(error(body, true), Err((7, 1, whole(body))));
        }
        assert_eq!(error(&[0, 1, 1, 1, 0], true), Err((7, 1, whole(&[0, 1, 1, 1, 0]))));
        assert_eq!(error(&[0, 1, 2, 1, 0], true), Err((7, 1, whole(&[0, 1, 2, 1, 0]))));
        assert_eq!(
            read(&[0, 1, 0, 1, 9], true),
            refresh(Family::Ipv4, RefreshKind::Request),
            "filters nobody asked for"
        );
    }

    #[test]
    fn written_and_read_it_is_the_same() {
        for family in Family::ALL {
            for kind in [RefreshKind::Request, RefreshKind::Begin, RefreshKind::End] {
                let written = encode(&RouteRefresh { family, kind });
                let frame = split(&written, MAX_LENGTH).unwrap().unwrap().0;
                assert_eq!(decode(frame, true), refresh(family, kind));
            }
        }
    }
}
