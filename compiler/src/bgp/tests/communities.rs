use crate::bgp::{Community, ExtendedCommunity, LargeCommunity, StandardCommunity, well_known};

#[test]
fn standard_and_large_ones_are_read() {
    for (text, bits) in [("64512:100", 0xfc00_0064), ("0:0", 0), ("65535:65535", u32::MAX), ("00001:2", 0x1_0002)] {
        assert_eq!(Community::parse(text), Ok(Community::Standard(StandardCommunity(bits))), "{text}");
    }
    let large = Community::parse("large:4294967295:0:2");
    assert_eq!(large, Ok(Community::Large(LargeCommunity([u32::MAX, 0, 2]))));
}

#[test]
fn what_is_no_community_is_told_what_to_write() {
    for text in [
        "",
        ":",
        "1",
        "1:",
        ":1",
        "65536:0",
        "0:65536",
        "1:2:3",
        "1:2:3:4",
        "large:1:2",
        "large:1:2:4294967296",
        "large:1:2:3:4",
        "Large:1:2:3",
        "+1:2",
        "1: 2",
        "-1:2",
        "no-export",
        "0x1:2",
        "١:٢",
    ] {
        let error = Community::parse(text).unwrap_err().to_string();
        assert!(error.starts_with(&format!("\"{text}\" is not a community: write it like 64512:100")), "{error}");
    }
}

#[test]
fn extended_ones_take_the_form_that_their_administrator_needs() {
    for (text, bytes) in [
        ("rt:64512:100", [0, 2, 0xfc, 0, 0, 0, 0, 100]),
        ("rt:65535:4294967295", [0, 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        ("rt:65536:65535", [2, 2, 0, 1, 0, 0, 0xff, 0xff]),
        ("rt:4294967295:0", [2, 2, 0xff, 0xff, 0xff, 0xff, 0, 0]),
        ("soo:192.0.2.1:258", [1, 3, 192, 0, 2, 1, 1, 2]),
        ("soo:1:2", [0, 3, 0, 1, 0, 0, 0, 2]),
        ("0x030c00000000ff01", [3, 0x0c, 0, 0, 0, 0, 0xff, 1]),
        ("0xABCDEFabcdef0123", [0xab, 0xcd, 0xef, 0xab, 0xcd, 0xef, 1, 0x23]),
    ] {
        assert_eq!(ExtendedCommunity::parse(text), Ok(ExtendedCommunity(bytes)), "{text}");
    }
    for text in [
        "",
        "rt",
        "rt:1",
        "rt:1:2:3",
        "ro:1:2",
        "RT:1:2",
        "rt:4294967296:1",
        "rt:65536:65536",
        "rt:1:4294967296",
        "rt:192.0.2.1:65536",
        "rt:192.0.2:1",
        "rt:2001:db8::1:1",
        "rt:+1:2",
        "rt::1",
        "0x",
        "0x030c00000000ff0",
        "0x030c00000000ff011",
        "0x030c00000000fg01",
        "030c00000000ff01",
        "0x+30c00000000ff01",
    ] {
        let error = ExtendedCommunity::parse(text).unwrap_err().to_string();
        assert!(error.contains(&format!("\"{text}\"")) && error.contains("rt:64512:100"), "{error}");
    }
}

#[test]
fn registered_ones_have_their_numbers() {
    for (name, number) in [
        ("no-export", "65535:65281"),
        ("no-advertise", "65535:65282"),
        ("no-export-subconfed", "65535:65283"),
        ("no-peer", "65535:65284"),
        ("graceful-shutdown", "65535:0"),
        ("accept-own", "65535:1"),
        ("blackhole", "65535:666"),
        ("llgr-stale", "65535:6"),
        ("no-llgr", "65535:7"),
    ] {
        assert_eq!(well_known(name).unwrap().to_string(), number, "{name}");
    }
    let error = well_known("NO_EXPORT").unwrap_err().to_string();
    assert!(error.contains("\"NO_EXPORT\"") && error.contains("no-export, no-advertise"), "{error}");
}

#[test]
fn what_is_shown_can_be_read_again() {
    for text in ["64512:100", "large:1:2:3"] {
        let shown = match Community::parse(text).unwrap() {
            Community::Standard(one) => one.to_string(),
            Community::Large(one) => one.to_string(),
        };
        assert_eq!(shown, text);
    }
    assert_eq!(ExtendedCommunity::parse("rt:1:2").unwrap().to_string(), "0x0002000100000002");
}
