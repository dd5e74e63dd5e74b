use super::*;
use crate::packet::Notification;

/// An OPEN of AS 64512 with these optional parameters.
fn body(parameters: &[u8]) -> Vec<u8> {
    let mut body = vec![4, 0xfc, 0, 0, 90, 192, 0, 2, 1, u8::try_from(parameters.len()).unwrap()];
    body.extend(parameters);
    body
}

fn capabilities(parameters: &[u8]) -> Result<Vec<Capability>, Notification> {
    decode(&body(parameters)).map(|open| open.capabilities)
}

fn unknown(code: u8, value: &[u8]) -> Capability {
    Capability::Unknown { code, value: value.to_vec() }
}

/// One capability alone: read, and written again.
fn one(code: u8, value: &[u8]) -> Capability {
    let length = u8::try_from(value.len()).unwrap();
    let bytes = [&[2, length + 2, code, length], value].concat();
    let mut read = capabilities(&bytes).unwrap();
    assert_eq!(read.len(), 1);
    let mut written = Vec::new();
    encode_capability(&mut written, &read[0]);
    assert_eq!(written, bytes[2..], "as it came");
    read.remove(0)
}

#[test]
fn the_fixed_part_is_checked() {
    let with = |at: usize, octets: &[u8]| {
        let mut body = body(&[]);
        body[at..at + octets.len()].copy_from_slice(octets);
        decode(&body).map(drop)
    };
    assert_eq!(with(0, &[4]), Ok(()));
    assert_eq!(with(0, &[3]), Err(Notification::with_data(2, 1, [0, 4])));
    assert_eq!(with(1, &[0, 0]), Err(Notification::new(2, 2)), "RFC 7607");
    assert_eq!(with(3, &[0, 0]), Ok(()));
    assert_eq!(with(3, &[0, 1]), Err(Notification::new(2, 6)));
    assert_eq!(with(3, &[0, 2]), Err(Notification::new(2, 6)));
    assert_eq!(with(3, &[0, 3]), Ok(()));
    assert_eq!(with(5, &[0, 0, 0, 0]), Err(Notification::new(2, 3)));
    assert_eq!(with(5, &[0, 0, 0, 1]), Ok(()), "RFC 6286: any but 0");
    assert_eq!(with(9, &[1]), Err(Notification::malformed_open()));
}

#[test]
fn parameters_must_fit() {
    let malformed = Err(Notification::malformed_open());
    assert_eq!(capabilities(&[2]), malformed);
    assert_eq!(capabilities(&[2, 3, 2, 0]), malformed);
    assert_eq!(capabilities(&[2, 1, 2]), malformed, "a capability without length");
    assert_eq!(capabilities(&[2, 2, 2, 1]), malformed, "a capability longer than its parameter");
    assert_eq!(capabilities(&[2, 2, 2, 0, 9]), malformed);
    assert_eq!(capabilities(&[1, 1, 0]), Err(Notification::unsupported_optional_parameter()));
    assert_eq!(capabilities(&[2, 0]), Ok(vec![]));
}

#[test]
fn capabilities_come_in_any_grouping() {
    let read = vec![Capability::RouteRefresh, unknown(128, &[]), Capability::RouteRefresh];
    assert_eq!(capabilities(&[2, 6, 2, 0, 128, 0, 2, 0]), Ok(read.clone()));
    assert_eq!(capabilities(&[2, 2, 2, 0, 2, 2, 128, 0, 2, 2, 2, 0]), Ok(read.clone()));
    assert_eq!(capabilities(&[2, 0, 2, 4, 2, 0, 128, 0, 2, 2, 2, 0]), Ok(read));
}

#[test]
fn known_capabilities_are_read() {
    assert_eq!(one(1, &[0, 2, 0, 1]), Capability::Multiprotocol { afi: 2, safi: 1 });
    assert_eq!(one(1, &[0, 25, 0, 70]), Capability::Multiprotocol { afi: 25, safi: 70 }, "also families we don't know");
    assert_eq!(one(2, &[]), Capability::RouteRefresh);
    assert_eq!(one(5, &[0, 1, 0, 1, 0, 2]), Capability::ExtendedNextHop(vec![(1, 1, 2)]));
    assert_eq!(one(6, &[]), Capability::ExtendedMessage);
    assert_eq!(one(65, &[0, 1, 0, 0]), Capability::FourOctetAsn(Asn::new(65536).unwrap()));
    assert_eq!(one(70, &[]), Capability::EnhancedRouteRefresh);
    assert_eq!(one(73, &[1, b'h', 1, b'd']), Capability::HostName { host: "h".to_owned(), domain: "d".to_owned() });
    assert_eq!(one(73, &[0, 0]), Capability::HostName { host: String::new(), domain: String::new() });
    assert_eq!(one(9, &[3]), unknown(9, &[3]), "a BGP role is none of ours");
}

#[test]
fn graceful_restart_has_three_flags() {
    let families = vec![(1, 1, true), (2, 1, false)];
    let families_bytes = [0, 1, 1, 0x80, 0, 2, 1, 0];
    for (first, restarting, notification) in
        [(0x00, false, false), (0x80, true, false), (0x40, false, true), (0xc0, true, true)]
    {
        let value = [&[first | 0x0f, 0xff][..], &families_bytes].concat();
        let restart = GracefulRestart { restarting, notification, restart_time: 4095, families: families.clone() };
        assert_eq!(one(64, &value), Capability::GracefulRestart(restart));
    }
}

#[test]
fn a_value_that_cannot_be_read_survives() {
    let wrong: &[(u8, &[u8])] = &[
        (1, &[0, 1, 0]),
        (1, &[0, 1, 0, 1, 0]),
        (2, &[1]),
        (5, &[0, 1, 0, 1, 0]),
        (6, &[0]),
        (64, &[0]),
        (64, &[0, 120, 0, 1, 1]),
        (65, &[0, 0, 1]),
        (65, &[]),
        (70, &[0]),
        (73, &[]),
        (73, &[1, b'h']),
        (73, &[2, b'h', 0]),
        (73, &[1, 0xff, 0]),
        (73, &[1, b'h', 0, 0]),
    ];
    for (code, value) in wrong {
        assert_eq!(one(*code, value), unknown(*code, value));
    }
}

#[test]
fn as_number_zero_is_nobodys() {
    assert_eq!(capabilities(&[2, 6, 65, 4, 0, 0, 0, 0]), Err(Notification::bad_peer_as()));
}

#[test]
fn the_long_form_is_read_whatever_the_first_length() {
    // RFC 9072 §2: the first length is 255, but another one but 0 is to be ignored.
    for first in [1, 7, 255] {
        let mut bytes = body(&[]);
        bytes[9] = first;
        bytes.extend([255, 0, 5, 2, 0, 2, 2, 0]);
        assert_eq!(decode(&bytes).map(|open| open.capabilities), Ok(vec![Capability::RouteRefresh]));
    }
    let mut bytes = body(&[]);
    bytes.extend([255, 0, 5, 2, 0, 2, 2, 0]);
    assert!(decode(&bytes).is_err(), "0 is no long form");
    bytes[9] = 255;
    for length in [0, 4, 6] {
        bytes[12] = length;
        assert_eq!(decode(&bytes), Err(Notification::malformed_open()), "{length}");
    }
}

#[test]
fn two_hundred_and_fifty_five_octets_are_no_long_form_by_themselves() {
    // The type of the first parameter is 2, not 255.
    let value = [2, 253, 128, 251].into_iter().chain([7; 251]).collect::<Vec<_>>();
    assert_eq!(value.len(), 255);
    assert_eq!(capabilities(&value), Ok(vec![unknown(128, &[7; 251])]));
}

fn open(capabilities: Vec<Capability>) -> Open {
    Open {
        two_octet_asn: 64512,
        hold_time: HoldTime::DEFAULT,
        router_id: RouterId::new([192, 0, 2, 1].into()).unwrap(),
        capabilities,
    }
}

#[test]
fn the_short_form_is_used_while_it_fits() {
    let octets = |count| open(vec![unknown(128, &vec![7; count])]);
    let longest = encode(&octets(251));
    assert_eq!(longest[28..31], [255, 2, 253]);
    let longer = encode(&octets(252));
    assert_eq!(longer[28..35], [255, 255, 1, 1, 2, 0, 254]);
    for message in [octets(251), octets(252)] {
        assert_eq!(decode(&encode(&message)[19..]), Ok(message));
    }
    assert_eq!(encode(&open(vec![]))[28..], [0], "no parameter at all");
}

#[test]
fn what_cannot_be_on_the_wire_is_cut() {
    let host = "ä".repeat(40);
    let read = |capability| decode(&encode(&open(vec![capability]))[19..]).unwrap().capabilities.remove(0);
    let names = Capability::HostName { host, domain: "d".repeat(100) };
    assert_eq!(read(names), Capability::HostName { host: "ä".repeat(32), domain: "d".repeat(64) });
    assert_eq!(read(unknown(200, &[1; 300])), unknown(200, &[1; 255]));
    let tuples = Capability::ExtendedNextHop(vec![(1, 1, 2); 100]);
    assert_eq!(read(tuples), Capability::ExtendedNextHop(vec![(1, 1, 2); 42]));
    for octets in 0..=255 {
        let flood = encode(&open(vec![unknown(200, &vec![1; octets]); 3000]));
        let count = (4096 - 19 - 16) / (octets + 2);
        assert_eq!(flood.len(), 19 + 16 + count * (octets + 2));
        assert_eq!(decode(&flood[19..]).unwrap().capabilities.len(), count);
    }
}

#[test]
fn a_flood_of_capabilities_is_bounded_by_the_message() {
    let count = (4096 - 19 - 10 - 6) / 2;
    let value = [200, 0].repeat(count);
    let mut bytes = body(&[]);
    bytes[9] = 255;
    bytes.push(255);
    bytes.extend(u16::try_from(value.len() + 3).unwrap().to_be_bytes());
    bytes.push(2);
    bytes.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
    bytes.extend(&value);
    assert_eq!(bytes.len() + 19, 4095);
    assert_eq!(decode(&bytes).unwrap().capabilities.len(), count);
}
