//! Any stream of bytes, cut anywhere: it is split into messages the same way as in one piece, and each gets a verdict.
#![no_main]

use herald_bgp::Family;
use herald_bgp::packet::{Decoding, decode, frame};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (bool, bool, u16, Vec<u8>)| {
    let (extended, marked, cut, mut stream) = input;
    if marked && stream.len() >= 16 {
        stream[..16].fill(0xff);
    }
    let max_length = if extended { frame::MAX_EXTENDED_LENGTH } else { frame::MAX_LENGTH };
    let decoding = Decoding {
        external: extended,
        four_octet_asn: marked,
        enhanced_refresh: extended,
        families: Family::ALL.into(),
    };
    let mut rest = &stream[..];
    loop {
        let whole = frame::split(rest, max_length);
        let part = frame::split(&rest[..rest.len().min(cut.into())], max_length);
        match (&whole, &part) {
            // Less of the stream tells less, never something else.
            (_, Ok(None)) => {}
            (whole, part) => assert_eq!(whole, part),
        }
        let Ok(Some((message, consumed))) = whole else { break };
        assert!((19..=max_length).contains(&consumed) && consumed == message.message().len());
        if let Err(answer) = decode(message, &decoding) {
            assert!(answer.encode().len() <= frame::MAX_LENGTH && !answer.to_string().is_empty());
        }
        rest = &rest[consumed..];
    }
});
