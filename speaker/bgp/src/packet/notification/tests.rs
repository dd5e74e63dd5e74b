use super::*;
use crate::packet::{Capability, frame};
use crate::value::Family;

fn words(notification: &Notification) -> String {
    notification.to_string()
}

#[test]
fn a_person_reads_words() {
    assert_eq!(words(&Notification::bad_peer_as()), "bad peer AS");
    assert_eq!(words(&Notification::hold_timer_expired()), "hold timer expired");
    assert_eq!(words(&Notification::send_hold_timer_expired()), "send hold timer expired");
    assert_eq!(words(&Notification::bad_message_length(65535)), "bad message length: 65535");
    assert_eq!(words(&Notification::bad_message_type(9)), "bad message type: 9");
    assert_eq!(words(&Notification::malformed_open()), "OPEN message error");
    assert_eq!(words(&Notification::new(2, 77)), "OPEN message error, subcode 77");
    assert_eq!(words(&Notification::new(99, 3)), "error 99/3");
    assert_eq!(words(&Notification::new(6, 0)), "cease");
    assert_eq!(words(&Notification::new(6, 77)), "cease, subcode 77");
    assert_eq!(words(&Notification::with_data(3, 3, [5])), "missing well-known attribute: LOCAL_PREF");
    assert_eq!(words(&Notification::with_data(3, 5, [0x40, 1, 0])), "attribute length error: ORIGIN");
    assert_eq!(
        words(&Notification::with_data(3, 2, [0x40, 200, 0])),
        "unrecognized well-known attribute: attribute 200"
    );
    assert_eq!(
        words(&Notification::maximum_prefixes(Family::Ipv6, 7)),
        "cease: maximum number of prefixes reached: 7 of IPv6"
    );
    assert_eq!(
        words(&Notification::administrative_shutdown(Some("maintenance"))),
        "cease: administrative shutdown: \"maintenance\""
    );
    assert_eq!(
        words(&Notification::administrative_reset(Some("a\n\u{1b}[31mb")).hard_reset()),
        "cease: hard reset: cease: administrative reset: \"a\\n\\u{1b}[31mb\"",
        "a terminal must not obey the peer"
    );
}

#[test]
fn a_shutdown_text_is_cut_between_characters() {
    let text = "é".repeat(200);
    let cut = Notification::administrative_shutdown(Some(&text));
    assert_eq!(cut.data.len(), 255);
    assert_eq!(cut.shutdown_text(), Some("é".repeat(127)));
    let text = format!("x{text}");
    assert_eq!(Notification::administrative_shutdown(Some(&text)).data.len(), 256);
    assert_eq!(Notification::administrative_shutdown(None).data, []);
    assert_eq!(Notification::administrative_shutdown(Some("")).data, []);
}

#[test]
fn a_shutdown_text_of_the_wrong_length_is_none() {
    let told = |data: &[u8]| Notification::with_data(6, 2, data).shutdown_text();
    assert_eq!(told(&[]), None);
    assert_eq!(told(&[0]), None);
    assert_eq!(told(&[5, b'a']), None);
    assert_eq!(told(&[1, b'a', b'b']).as_deref(), Some("a"), "as RFC 9003 leaves the rest alone, so do we");
    assert_eq!(told(&[2, 0xff, b'a']).as_deref(), Some("\u{fffd}a"));
    assert_eq!(Notification::with_data(6, 3, [1, b'a']).shutdown_text(), None, "another subcode has no text");
}

#[test]
fn a_hard_reset_carries_its_reason() {
    let reason = Notification::administrative_shutdown(Some("bye"));
    let hard = reason.hard_reset();
    assert_eq!((hard.code, hard.subcode), (6, 9));
    assert!(hard.is_hard_reset() && !reason.is_hard_reset());
    assert_eq!(hard.reason(), reason);
    assert_eq!(hard.hard_reset(), hard, "once is enough");
    assert_eq!(hard.shutdown_text().as_deref(), Some("bye"));
    assert_eq!(Notification::new(6, 9).reason(), Notification::new(6, 9));
    // Hard resets within hard resets end at the first.
    let nested = Notification::with_data(6, 9, [6, 9].repeat(1000));
    assert_eq!(words(&nested), "cease: hard reset");
}

#[test]
fn the_longest_message_fits() {
    let long = Notification::with_data(3, 1, vec![7; 70_000]);
    let bytes = long.encode();
    assert_eq!(bytes.len(), frame::MAX_LENGTH);
    let (frame, _) = frame::split(&bytes, frame::MAX_LENGTH).unwrap().unwrap();
    assert_eq!(Notification::decode(frame.body()).data.len(), 4096 - 21);
}

#[test]
fn missing_capabilities_are_named() {
    let wanted = [Capability::Multiprotocol { afi: 2, safi: 1 }, Capability::RouteRefresh];
    assert_eq!(Notification::unsupported_capability(&wanted).data, [1, 4, 0, 2, 0, 1, 2, 0]);
}
