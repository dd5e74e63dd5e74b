//! Any body of an OPEN: refused with a code of RFC 4271 §6.2, or read; and what is read and written again is the same.
#![no_main]

use herald_bgp::packet::{Decoding, Message, decode, frame, open};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let Ok(length) = u16::try_from(body.len() + 19) else { return };
    let message = [&[0xff; 16][..], &length.to_be_bytes(), &[1], body].concat();
    let Ok(Some((frame, _))) = frame::split(&message, frame::MAX_LENGTH) else { return };
    match decode(frame, &Decoding::default()) {
        Ok(Message::Open(read)) => {
            assert!(read.capabilities.len() <= body.len() / 2);
            let written = open(&read);
            assert!(written.len() <= frame::MAX_LENGTH);
            let (frame, _) = frame::split(&written, frame::MAX_LENGTH).expect("right").expect("whole");
            let Ok(Message::Open(again)) = decode(frame, &Decoding::default()) else {
                panic!("what we write can be read")
            };
            // Names are cut, and the long form may have held what fits no more: writing twice is writing once.
            assert_eq!(open(&again), written);
        }
        Ok(other) => panic!("{other:?}"),
        Err(answer) => assert!(answer.code == 2 && answer.subcode <= 6, "{answer:?}"),
    }
});
