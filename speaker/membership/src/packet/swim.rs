//! foca's messages in bytes.

use bytes::{Buf, BufMut};
use foca::{Header, Member, Message, State};

use super::field::{get_identity, identity_len, put_identity};
use super::{MAX_SWIM, Malformed};
use crate::identity::Identity;

const PING: u8 = 1;
const ACK: u8 = 2;
const PING_REQ: u8 = 3;
const INDIRECT_PING: u8 = 4;
const INDIRECT_ACK: u8 = 5;
const FORWARDED_ACK: u8 = 6;
const ANNOUNCE: u8 = 7;
const FEED: u8 = 8;
const GOSSIP: u8 = 9;
const BROADCAST: u8 = 10;
const TURN_UNDEAD: u8 = 11;

/// Bytes of a member update beside the identity: incarnation and state.
const UPDATE_EXTRA: usize = 3;

/// How foca reads and writes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Codec;

impl foca::Codec<Identity> for Codec {
    type Error = Malformed;

    fn encode_header(&mut self, header: &Header<Identity>, mut buf: impl BufMut) -> Result<(), Malformed> {
        put_identity(&mut buf, &header.src);
        buf.put_u16(header.src_incarnation);
        put_identity(&mut buf, &header.dst);
        let buf = &mut buf;
        match &header.message {
            Message::Ping(number) => put_numbered(buf, PING, *number),
            Message::Ack(number) => put_numbered(buf, ACK, *number),
            Message::PingReq { target, probe_number } => put_indirect(buf, PING_REQ, *probe_number, target),
            Message::IndirectPing { origin, probe_number } => put_indirect(buf, INDIRECT_PING, *probe_number, origin),
            Message::IndirectAck { target, probe_number } => put_indirect(buf, INDIRECT_ACK, *probe_number, target),
            Message::ForwardedAck { origin, probe_number } => put_indirect(buf, FORWARDED_ACK, *probe_number, origin),
            Message::Announce => buf.put_u8(ANNOUNCE),
            Message::Feed => buf.put_u8(FEED),
            Message::Gossip => buf.put_u8(GOSSIP),
            Message::Broadcast => buf.put_u8(BROADCAST),
            Message::TurnUndead => buf.put_u8(TURN_UNDEAD),
        }
        Ok(())
    }

    fn decode_header(&mut self, mut buf: impl Buf) -> Result<Header<Identity>, Malformed> {
        get_header(&mut buf)
    }

    fn encode_member(&mut self, member: &Member<Identity>, mut buf: impl BufMut) -> Result<(), Malformed> {
        if buf.remaining_mut() < identity_len(member.id()) + UPDATE_EXTRA {
            return Err(Malformed("no room"));
        }
        put_identity(&mut buf, member.id());
        buf.put_u16(member.incarnation());
        buf.put_u8(match member.state() {
            State::Alive => 0,
            State::Suspect => 1,
            State::Down => 2,
        });
        Ok(())
    }

    fn decode_member(&mut self, mut buf: impl Buf) -> Result<Member<Identity>, Malformed> {
        get_member(&mut buf)
    }
}

/// A whole message: what foca will read, read before it so that its claims can be bounded.
#[derive(Debug)]
pub(crate) struct Swim {
    pub(crate) header: Header<Identity>,
    pub(crate) updates: Vec<Member<Identity>>,
}

impl Swim {
    pub(crate) fn parse(mut bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > MAX_SWIM {
            return Err(Malformed("a SWIM message is too long"));
        }
        let header = get_header(&mut bytes)?;
        let mut updates = Vec::new();
        if !bytes.is_empty() {
            let count = bytes.try_get_u16()?;
            // No allocation by a claimed count: every update has to be there.
            for _ in 0..count {
                updates.push(get_member(&mut bytes)?);
            }
        }
        if bytes.is_empty() { Ok(Self { header, updates }) } else { Err(Malformed("bytes after a SWIM message")) }
    }

    /// The message again, as foca reads it. At most as long as what was parsed.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, Malformed> {
        let mut bytes = Vec::with_capacity(MAX_SWIM);
        foca::Codec::encode_header(&mut Codec, &self.header, &mut bytes)?;
        if !self.updates.is_empty() {
            bytes.put_u16(u16::try_from(self.updates.len()).map_err(|_| Malformed("too many updates"))?);
            for update in &self.updates {
                foca::Codec::encode_member(&mut Codec, update, &mut bytes)?;
            }
        }
        Ok(bytes)
    }

    /// Whether only a member that received something from us could have sent this.
    pub(crate) fn is_answer(&self) -> bool {
        matches!(self.header.message, Message::Ack(_) | Message::Feed | Message::IndirectAck { .. })
    }
}

fn put_numbered(buf: &mut impl BufMut, kind: u8, number: u8) {
    buf.put_u8(kind);
    buf.put_u8(number);
}

fn put_indirect(buf: &mut impl BufMut, kind: u8, number: u8, third: &Identity) {
    put_numbered(buf, kind, number);
    put_identity(buf, third);
}

fn get_header(buf: &mut impl Buf) -> Result<Header<Identity>, Malformed> {
    let src = get_identity(buf)?;
    let src_incarnation = buf.try_get_u16()?;
    let dst = get_identity(buf)?;
    let message = match buf.try_get_u8()? {
        PING => Message::Ping(buf.try_get_u8()?),
        ACK => Message::Ack(buf.try_get_u8()?),
        PING_REQ => {
            let probe_number = buf.try_get_u8()?;
            Message::PingReq { target: get_identity(buf)?, probe_number }
        }
        INDIRECT_PING => {
            let probe_number = buf.try_get_u8()?;
            Message::IndirectPing { origin: get_identity(buf)?, probe_number }
        }
        INDIRECT_ACK => {
            let probe_number = buf.try_get_u8()?;
            Message::IndirectAck { target: get_identity(buf)?, probe_number }
        }
        FORWARDED_ACK => {
            let probe_number = buf.try_get_u8()?;
            Message::ForwardedAck { origin: get_identity(buf)?, probe_number }
        }
        ANNOUNCE => Message::Announce,
        FEED => Message::Feed,
        GOSSIP => Message::Gossip,
        BROADCAST => Message::Broadcast,
        TURN_UNDEAD => Message::TurnUndead,
        _ => return Err(Malformed("an unknown SWIM message")),
    };
    Ok(Header { src, src_incarnation, dst, message })
}

fn get_member(buf: &mut impl Buf) -> Result<Member<Identity>, Malformed> {
    let id = get_identity(buf)?;
    let incarnation = buf.try_get_u16()?;
    let state = match buf.try_get_u8()? {
        0 => State::Alive,
        1 => State::Suspect,
        2 => State::Down,
        _ => return Err(Malformed("an unknown member state")),
    };
    Ok(Member::new(id, incarnation, state))
}
