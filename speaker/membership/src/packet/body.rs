//! What is sealed: to which life of which node, from which, and sections.

use bytes::{Buf, BufMut};
use sha2::{Digest as _, Sha256};

use super::{Malformed, record::Record};

const SECTION_SWIM: u8 = 1;
const SECTION_RECORD: u8 = 2;
const SECTION_ACK: u8 = 3;
const SECTION_BEAT: u8 = 4;
/// Bytes of a [`Route`].
const ROUTE: usize = 24;
/// Kind and length in front of each section.
const SECTION_HEADER: usize = 3;
/// The most records one datagram may carry; more are a defect of the sender.
const MAX_RECORDS: usize = 16;

/// The lives that speak to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    /// [`name_tag`] of the node it is for.
    pub(crate) to_node: u64,
    /// Which life of it the sender knows, 0 for none. A datagram changes our state only if this is our present one:
    /// it then was written after we started, so nothing recorded earlier can be replayed.
    pub(crate) to_rank: u64,
    /// The sender's own.
    pub(crate) from_rank: u64,
}

/// "I have this version of your facts." Versions belong to a process: they outlast a rejoin, not a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ack {
    pub(crate) boot: u64,
    pub(crate) version: u32,
}

/// The fast watch: see `state::watch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beat {
    /// "Beat for me for a while."
    Ask,
    /// A heartbeat.
    Here,
}

/// A body as read.
#[derive(Debug)]
pub(crate) struct Body<'a> {
    pub(crate) swim: Option<&'a [u8]>,
    pub(crate) records: Vec<Record>,
    pub(crate) ack: Option<Ack>,
    pub(crate) beat: Option<Beat>,
}

/// A body being written, never longer than `limit`.
#[derive(Debug)]
pub(crate) struct Builder {
    bytes: Vec<u8>,
    limit: usize,
}

/// Eight bytes that stand for a node's name.
pub(crate) fn name_tag(node: &str) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = <[u8; 32]>::from(Sha256::digest(node));
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

impl Builder {
    pub(crate) fn new(route: Route, limit: usize) -> Self {
        let mut bytes = Vec::with_capacity(limit);
        bytes.put_u64(route.to_node);
        bytes.put_u64(route.to_rank);
        bytes.put_u64(route.from_rank);
        Self { bytes, limit }
    }

    pub(crate) fn swim(&mut self, message: &[u8]) -> bool {
        self.section(SECTION_SWIM, message)
    }

    pub(crate) fn record(&mut self, record: &Record) -> bool {
        let mut content = Vec::with_capacity(128);
        record.put(&mut content);
        self.section(SECTION_RECORD, &content)
    }

    pub(crate) fn ack(&mut self, ack: Ack) -> bool {
        let mut content = [0; 12];
        let mut buf = content.as_mut_slice();
        buf.put_u64(ack.boot);
        buf.put_u32(ack.version);
        self.section(SECTION_ACK, &content)
    }

    pub(crate) fn beat(&mut self, beat: Beat) -> bool {
        let kind = match beat {
            Beat::Ask => 0,
            Beat::Here => 1,
        };
        self.section(SECTION_BEAT, &[kind])
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.bytes
    }

    /// Adds a section if it fits.
    pub(crate) fn section(&mut self, kind: u8, content: &[u8]) -> bool {
        let Ok(length) = u16::try_from(content.len()) else { return false };
        if self.bytes.len() + SECTION_HEADER + content.len() > self.limit {
            return false;
        }
        self.bytes.put_u8(kind);
        self.bytes.put_u16(length);
        self.bytes.put_slice(content);
        true
    }
}

impl<'a> Body<'a> {
    /// The route alone: enough to know whether the rest concerns us.
    pub(crate) fn route(mut bytes: &'a [u8]) -> Result<Route, Malformed> {
        Ok(Route { to_node: bytes.try_get_u64()?, to_rank: bytes.try_get_u64()?, from_rank: bytes.try_get_u64()? })
    }

    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        Self::route(bytes)?;
        let mut rest = bytes.get(ROUTE..).unwrap_or_default();
        let mut body = Self { swim: None, records: Vec::new(), ack: None, beat: None };
        while !rest.is_empty() {
            let kind = rest.try_get_u8()?;
            let length = usize::from(rest.try_get_u16()?);
            let (mut content, after) = rest.split_at_checked(length).ok_or(Malformed("a section ends too early"))?;
            rest = after;
            match kind {
                SECTION_SWIM if body.swim.is_some() => return Err(Malformed("two SWIM messages")),
                SECTION_SWIM => body.swim = Some(content),
                SECTION_RECORD if body.records.len() == MAX_RECORDS => return Err(Malformed("too many records")),
                SECTION_RECORD => body.records.push(Record::get(&mut content)?),
                SECTION_ACK => {
                    body.ack = Some(Ack { boot: content.try_get_u64()?, version: content.try_get_u32()? });
                }
                SECTION_BEAT => {
                    body.beat = match content.try_get_u8()? {
                        0 => Some(Beat::Ask),
                        1 => Some(Beat::Here),
                        _ => None, // a newer speaker's
                    };
                }
                // A newer speaker's section: not for us.
                _ => {}
            }
        }
        Ok(body)
    }
}
