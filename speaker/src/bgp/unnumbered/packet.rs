//! The two messages of Router Discovery (RFC 4861 §4.1, §4.2). The kernel makes and checks the checksums.

const SOLICITATION: u8 = 133;
const ADVERTISEMENT: u8 = 134;

/// A message, as far as it is of interest: who sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packet {
    /// Somebody wants to know the routers.
    Solicitation,
    /// A router.
    Advertisement,
}

/// What an ICMPv6 message is, if it is one of these and as long as it must be (RFC 4861 §6.1).
pub(super) fn decode(message: &[u8]) -> Option<Packet> {
    let (kind, least) = match message {
        [SOLICITATION, 0, ..] => (Packet::Solicitation, 8),
        [ADVERTISEMENT, 0, ..] => (Packet::Advertisement, 16),
        _ => return None,
    };
    let options = message.get(least..)?;
    options_are_whole(options).then_some(kind)
}

/// Every option has a length that is not 0 and does not lead beyond the end.
fn options_are_whole(mut options: &[u8]) -> bool {
    while let [_, length, ..] = options {
        let length = usize::from(*length) * 8;
        match options.get(length..) {
            Some(rest) if length > 0 => options = rest,
            _ => return false,
        }
    }
    options.is_empty()
}

/// A Router Solicitation without options.
pub(super) fn solicitation() -> [u8; 8] {
    let mut message = [0; 8];
    message[0] = SOLICITATION;
    message
}

/// A Router Advertisement without options, of somebody who is no default router (lifetime 0) and leaves everything else
/// unspecified.
pub(super) fn advertisement() -> [u8; 16] {
    let mut message = [0; 16];
    message[0] = ADVERTISEMENT;
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_whole_or_nothing() {
        assert_eq!(decode(&solicitation()), Some(Packet::Solicitation));
        assert_eq!(decode(&advertisement()), Some(Packet::Advertisement));
        let mut with_options = advertisement().to_vec();
        with_options.extend([1, 1, 2, 0, 0, 0, 0, 1]);
        assert_eq!(decode(&with_options), Some(Packet::Advertisement));
        for end in 1..with_options.len() {
            assert_eq!(decode(&with_options[..end]).is_some(), end == 16, "{end} octets");
        }
        for length in [0, 2, 255] {
            with_options[17] = length;
            assert_eq!(decode(&with_options), None, "an option of length {length}");
        }
        assert_eq!(decode(&[134, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), None, "code");
        assert_eq!(decode(&[135; 24]), None);
        assert_eq!(decode(&[]), None);
    }
}
