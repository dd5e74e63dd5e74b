//! Any NOTIFICATION: read, said in words that no terminal obeys, and written again as it was.
#![no_main]

use herald_bgp::packet::{Decoding, Message, decode, frame, notification};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let Some(length) = u16::try_from(body.len() + 19).ok().filter(|length| (21..=4096).contains(length)) else {
        return;
    };
    let message = [&[0xff; 16][..], &length.to_be_bytes(), &[3], body].concat();
    let (frame, _) = frame::split(&message, frame::MAX_LENGTH).expect("right").expect("whole");
    let Ok(Message::Notification(read)) = decode(frame, &Decoding::default()) else { panic!("never refused") };
    let words = read.to_string();
    assert!(!words.is_empty() && words.len() < 4096 && !words.contains(char::is_control), "{words:?}");
    assert_eq!(notification(&read), message);
    let (hard, reason) = (read.hard_reset(), read.reason());
    assert!(hard.is_hard_reset());
    assert!(read.is_hard_reset() || (hard.reason() == read && reason == read));
    assert!(read.shutdown_text().is_none_or(|text| text.chars().count() <= 255));
});
