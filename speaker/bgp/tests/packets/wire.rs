//! Bytes of messages, for tests that look at them from outside.

use std::collections::BTreeSet;

use herald_bgp::packet::{Decoding, Message, Notification, decode, frame};
use herald_bgp::{Family, Prefix};

/// A prefix as it is written.
pub fn prefix(text: &str) -> Prefix {
    let (address, length) = text.split_once('/').expect("address/length");
    Prefix::new(address.parse().expect("an address"), length.parse().expect("a length")).expect("short enough")
}

/// A session with a peer that knows everything.
pub fn peer(external: bool, four_octet_asn: bool) -> Decoding {
    Decoding { external, four_octet_asn, enhanced_refresh: true, families: BTreeSet::from(Family::ALL) }
}

/// A message of this type.
pub fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len() + 19).expect("short enough").to_be_bytes();
    [&[0xff; 16][..], &length, &[kind], body].concat()
}

/// The body of an UPDATE.
pub fn update(withdrawn: &[u8], attributes: &[u8], announced: &[u8]) -> Vec<u8> {
    let length = |part: &[u8]| u16::try_from(part.len()).expect("short enough").to_be_bytes();
    [&length(withdrawn)[..], withdrawn, &length(attributes), attributes, announced].concat()
}

/// The first message in `bytes`.
pub fn read(bytes: &[u8], decoding: &Decoding) -> Result<Message, Notification> {
    let (frame, _) = frame::split(bytes, frame::MAX_EXTENDED_LENGTH)?.expect("a whole message");
    decode(frame, decoding)
}
