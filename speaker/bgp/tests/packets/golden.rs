//! Messages of FRR, BIRD and GoBGP (`golden/README.md`): read, and written again as they were.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::Path;

use crate::wire::{peer, prefix};
use herald_bgp::packet::guard::{self, Attribute, Inspected, NextHop, code};
use herald_bgp::packet::update::{self, Encoding, Ipv4NextHop, Ipv6NextHop, NextHops, Treatment};
use herald_bgp::packet::{self, Decoding, Frame, Message, MessageType, frame};
use herald_bgp::{Asn, Attributes, Community, ExtendedCommunity, Family, LargeCommunity, Prefix};

type Outcome = Result<(), Box<dyn Error>>;

/// Who sent what.
struct Recording {
    daemon: String,
    session: String,
    messages: Vec<Vec<u8>>,
}

impl Recording {
    fn decoding(&self) -> Decoding {
        peer(self.session != "ibgp", self.session != "two-octet")
    }

    fn frames(&self) -> impl Iterator<Item = Frame<'_>> {
        self.messages
            .iter()
            .map(|message| frame::split(message, frame::MAX_LENGTH).unwrap().expect("a whole message").0)
    }

    /// UPDATEs that announce.
    fn announcements(&self) -> impl Iterator<Item = Frame<'_>> {
        self.frames().filter(|frame| {
            frame.kind() == MessageType::Update && {
                let inspected = guard::inspect(frame.body(), &self.decoding()).expect("a right UPDATE");
                !inspected.announced.is_empty() || inspected.reach.is_some()
            }
        })
    }
}

fn recordings() -> Result<Vec<Recording>, Box<dyn Error>> {
    let mut recordings = Vec::new();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden"))? {
        let path = entry?.path();
        let name = path.file_stem().and_then(|name| name.to_str()).ok_or("a name")?;
        let Some((daemon, session)) = name.split_once('-') else { continue };
        let octet = |at: usize, line: &str| u8::from_str_radix(&line[at..at + 2], 16);
        let bytes = |line: &str| (0..line.len()).step_by(2).map(|at| octet(at, line)).collect::<Result<Vec<_>, _>>();
        let text = fs::read_to_string(&path)?;
        let messages = text.lines().map(|line| bytes(line.split_once(' ').unwrap_or_default().1));
        recordings.push(Recording {
            daemon: daemon.to_owned(),
            session: session.to_owned(),
            messages: messages.collect::<Result<_, _>>()?,
        });
    }
    assert_eq!(recordings.len(), 11, "FRR, BIRD and GoBGP, and what GoBGP does not do");
    Ok(recordings)
}

/// All capabilities in one optional parameter, as we write them; FRR gives each one of its own.
fn in_one_parameter(body: &[u8]) -> Vec<u8> {
    let (fixed, mut parameters) = (&body[..9], &body[10..]);
    let mut capabilities = Vec::new();
    while let [2, length, rest @ ..] = parameters {
        capabilities.extend(&rest[..usize::from(*length)]);
        parameters = &rest[usize::from(*length)..];
    }
    let length = u8::try_from(capabilities.len()).expect("a short form");
    [fixed, &[length + 2, 2, length], &capabilities].concat()
}

#[test]
fn opens_are_written_as_they_were() -> Outcome {
    for recording in recordings()? {
        let open = recording.frames().next().ok_or("no OPEN")?;
        let Message::Open(read) = packet::decode(open, &Decoding::default())? else { return Err("no OPEN".into()) };
        let written = packet::open(&read);
        assert_eq!(written[19..], in_one_parameter(open.body()), "{}", recording.daemon);
        if recording.daemon != "frr" {
            assert_eq!(written, open.message(), "{}", recording.daemon);
        }
        let asn = match recording.session.as_str() {
            "ibgp" => 64512,
            "two-octet" => 4_200_000_001,
            _ => 64513,
        };
        assert_eq!(read.asn(), Asn::new(asn));
        assert_eq!(read.families(), Family::ALL);
    }
    Ok(())
}

#[test]
fn notifications_are_written_as_they_were() -> Outcome {
    for recording in recordings()? {
        let last = recording.frames().last().ok_or("no message")?;
        let Message::Notification(read) = packet::decode(last, &recording.decoding())? else {
            return Err("none".into());
        };
        assert_eq!(packet::notification(&read), last.message());
        let text = if recording.daemon == "gobgp" { "" } else { ": \"maintenance\"" };
        assert_eq!(read.to_string(), format!("cease: administrative shutdown{text}"));
    }
    Ok(())
}

/// The routes that a recording announces and withdraws, and its End-of-RIB markers, written as they were.
#[test]
fn updates_are_read() -> Outcome {
    for recording in recordings()? {
        let (mut announced, mut withdrawn, mut ends) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for frame in recording.frames() {
            if let Message::Update(update) = packet::decode(frame, &recording.decoding())? {
                if let Some(family) = update.end_of_rib {
                    let mut written = Vec::new();
                    update::end_of_rib(&mut written, family);
                    assert_eq!(written, frame.message());
                }
                assert_eq!(update.treatment, Treatment::Accept);
                announced.extend(update.announced);
                withdrawn.extend(update.withdrawn);
                ends.extend(update.end_of_rib);
            }
        }
        let ipv4 = ["198.51.100.0/24", "198.51.100.128/25", "203.0.113.7/32"].map(prefix);
        let ipv6 = ["2001:db8:1::/48", "2001:db8:2::1/128", "2001:db8:3::/64"].map(prefix);
        let mut routes = ipv4.into_iter().chain(ipv6).collect::<BTreeSet<_>>();
        if recording.daemon != "gobgp" {
            routes.insert(prefix("0.0.0.0/0"));
        }
        let name = format!("{}-{}", recording.daemon, recording.session);
        assert_eq!(announced, routes, "{name}");
        // BIRD takes back all of both kinds.
        let gone = if recording.daemon == "bird" { routes } else { BTreeSet::from([ipv4[2], ipv6[2]]) };
        assert_eq!(withdrawn, gone, "{name}");
        // Only between those that both know graceful restart.
        let told = match (recording.daemon.as_str(), recording.session.as_str()) {
            ("bird", _) | (_, "ebgp" | "ibgp") => BTreeSet::from(Family::ALL),
            _ => BTreeSet::new(),
        };
        assert_eq!(ends, told, "{name}");
    }
    Ok(())
}

fn words<const N: usize>(value: &[u8]) -> impl Iterator<Item = [u8; N]> {
    value.chunks_exact(N).filter_map(|chunk| chunk.try_into().ok())
}

/// What we would have been told to announce, and to whom, for this UPDATE to come out.
fn understood(inspected: &Inspected<'_>, recording: &Recording) -> (Attributes, Encoding) {
    let value =
        |code: u8| inspected.attributes.iter().find(|attribute| attribute.code == code).map(|found| found.value);
    let number = |code: u8| value(code).and_then(|value| value.try_into().ok()).map(u32::from_be_bytes);
    let decoding = recording.decoding();
    // All numbers of a path are the sender's own.
    let path = value(code::AS_PATH).unwrap_or_default();
    let count = path.get(1).copied().unwrap_or(1);
    let asn = if recording.session == "two-octet" { 4_200_000_001 } else { 64513 };
    let list = |code: u8| value(code).unwrap_or_default();
    let attributes = Attributes {
        local_pref: number(code::LOCAL_PREF),
        med: number(code::MULTI_EXIT_DISC),
        prepend: count - 1,
        communities: words(list(code::COMMUNITIES)).map(|word| Community(u32::from_be_bytes(word))).collect(),
        large_communities: words::<12>(list(code::LARGE_COMMUNITY))
            .map(|community| {
                let mut parts = words(&community).map(u32::from_be_bytes);
                let mut part = || parts.next().unwrap_or_default();
                LargeCommunity { global: part(), local1: part(), local2: part() }
            })
            .collect(),
        extended_communities: words(list(code::EXTENDED_COMMUNITIES)).map(ExtendedCommunity).collect(),
    };
    let reach = inspected.reach.map(|reach| reach.next_hop);
    let ipv6 = match reach {
        Some(NextHop::Ipv6(global, link_local)) => Some(Ipv6NextHop { global, link_local }),
        _ => None,
    };
    let ipv4 = value(code::NEXT_HOP).and_then(|value| <[u8; 4]>::try_from(value).ok());
    let ipv4 = ipv4.map(|address| Ipv4NextHop::Plain(address.into())).or(ipv6.map(Ipv4NextHop::Extended));
    let encoding = Encoding {
        external: decoding.external,
        shown_asn: Asn::new(asn).unwrap(),
        four_octet_asn: decoding.four_octet_asn,
        next_hops: NextHops { ipv4, ipv6 },
        max_length: frame::MAX_LENGTH,
    };
    (attributes, encoding)
}

/// Flags without that for long lengths, which is free to be set for short ones; type; value.
fn content(attribute: &Attribute<'_>) -> (u8, u8, Vec<u8>) {
    (attribute.code, attribute.flags & !0x10, attribute.value.to_vec())
}

#[test]
fn announcements_are_written_as_they_were() -> Outcome {
    for recording in recordings()? {
        let mut seen = 0;
        for frame in recording.announcements() {
            let inspected = guard::inspect(frame.body(), &recording.decoding())?;
            let (attributes, encoding) = understood(&inspected, &recording);
            let Message::Update(read) = packet::decode(frame, &recording.decoding())? else {
                return Err("none".into());
            };
            let family = read.announced.first().map(|first: &Prefix| first.family()).ok_or("no route")?;
            let mut written = Vec::new();
            let count = read.announced.len();
            let mut routes = read.announced.into_iter().peekable();
            assert_eq!(update::announce(&mut written, family, &attributes, &mut routes, &encoding)?, count);
            let ours = guard::inspect(&written[19..], &recording.decoding())?;
            assert_eq!(ours.announced, inspected.announced);
            let sorted = |inspected: &Inspected<'_>| inspected.attributes.iter().map(content).collect::<BTreeSet<_>>();
            assert_eq!(sorted(&ours), sorted(&inspected), "{}-{}", recording.daemon, recording.session);
            // BIRD orders attributes as we do.
            if recording.daemon == "bird" {
                assert_eq!(written, frame.message());
            }
            seen += 1;
        }
        assert!(seen >= 4, "both kinds of routes of both families");
    }
    Ok(())
}

#[test]
fn withdrawals_are_written_as_they_were() -> Outcome {
    let mut seen = 0;
    for recording in recordings()? {
        for frame in recording.frames().filter(|frame| frame.kind() == MessageType::Update) {
            let Message::Update(read) = packet::decode(frame, &recording.decoding())? else {
                return Err("none".into());
            };
            let Some(family) = read.withdrawn.first().map(|first| first.family()) else { continue };
            let mut written = Vec::new();
            let count = read.withdrawn.len();
            let mut routes = read.withdrawn.into_iter().peekable();
            assert_eq!(update::withdraw(&mut written, family, &mut routes, frame::MAX_LENGTH), count);
            let theirs = guard::inspect(frame.body(), &recording.decoding())?;
            let ours = guard::inspect(&written[19..], &recording.decoding())?;
            // With IPv6 next hops some withdraw IPv4 as they announced it. Any router knows both places.
            if (family, recording.session.as_str()) == (Family::Ipv4, "ipv6-next-hop") {
                assert_eq!(Some((family, ours.withdrawn)), theirs.unreach);
            } else {
                assert_eq!((ours.withdrawn, ours.unreach), (theirs.withdrawn, theirs.unreach));
                let whole = family == Family::Ipv4 || theirs.attributes[0].flags == 0x90;
                assert!(!whole || written == frame.message());
            }
            seen += 1;
        }
    }
    assert_eq!(seen, 22, "both families of each");
    Ok(())
}
