//! The facts of one node, as they travel.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BufMut};

use super::body::Ack;
use super::{Malformed, field};
use crate::digest::{Digest, MAX_DIGEST_NAMES};
use crate::facts::{Facts, Freshness, MAX_MACS, Phase};

/// A ring has at most three keys.
const MAX_KEYS: usize = 3;

/// The facts of one node: of the process `boot`, as of `version`, written when its rank was `rank`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) node: Arc<str>,
    pub(crate) boot: u64,
    pub(crate) rank: u64,
    pub(crate) version: u32,
    pub(crate) facts: Facts,
    /// Fingerprints of the keys it accepts.
    pub(crate) keys: Vec<u32>,
}

impl Record {
    pub(crate) fn stamp(&self) -> Ack {
        Ack { boot: self.boot, version: self.version }
    }

    /// Whether this says more, or more recently, than the other record of the same node.
    pub(crate) fn supersedes(&self, other: &Self) -> bool {
        if self.boot == other.boot { self.version > other.version } else { self.rank > other.rank }
    }

    pub(crate) fn put(&self, buf: &mut impl BufMut) {
        let Facts { protocol, freshness, phase, interfaces, owned, macs } = &self.facts;
        field::put_name(buf, &self.node);
        buf.put_u64(self.boot);
        buf.put_u64(self.rank);
        buf.put_u32(self.version);
        buf.put_u16(*protocol);
        buf.put_u8(match freshness {
            Freshness::Stale => 0,
            Freshness::Current => 1,
            Freshness::Blind => 2,
        });
        let (phase, grace) = match phase {
            Phase::Running => (0, Duration::ZERO),
            Phase::Draining => (1, Duration::ZERO),
            Phase::Stopping => (2, Duration::ZERO),
            Phase::Restarting { grace } => (3, *grace),
        };
        buf.put_u8(phase);
        buf.put_u32(u32::try_from(grace.as_millis()).unwrap_or(u32::MAX));
        put_digest(buf, interfaces);
        put_digest(buf, owned);
        let keys = self.keys.get(..MAX_KEYS).unwrap_or(&self.keys);
        buf.put_u8(u8::try_from(keys.len()).unwrap_or(0));
        for key in keys {
            buf.put_u32(*key);
        }
        // Here a record of the first version ended.
        let macs = macs.get(..MAX_MACS).unwrap_or(macs);
        buf.put_u8(u8::try_from(macs.len()).unwrap_or(0));
        for mac in macs {
            buf.put_slice(mac);
        }
    }

    /// Reads a record. Values that only a newer speaker knows count as the cautious ones; bytes after the last field
    /// are a newer speaker's and skipped. Fields that an older speaker did not write yet are empty.
    pub(crate) fn get(buf: &mut impl Buf) -> Result<Self, Malformed> {
        let node = field::get_name(buf)?;
        let (boot, rank, version) = (buf.try_get_u64()?, buf.try_get_u64()?, buf.try_get_u32()?);
        let protocol = buf.try_get_u16()?;
        let freshness = match buf.try_get_u8()? {
            1 => Freshness::Current,
            2 => Freshness::Blind,
            _ => Freshness::Stale,
        };
        let phase = buf.try_get_u8()?;
        let grace = Duration::from_millis(u64::from(buf.try_get_u32()?));
        let phase = match phase {
            1 => Phase::Draining,
            2 => Phase::Stopping,
            3 => Phase::Restarting { grace },
            _ => Phase::Running,
        };
        let (interfaces, owned) = (get_digest(buf)?, get_digest(buf)?);
        let count = usize::from(buf.try_get_u8()?);
        if count > MAX_KEYS {
            return Err(Malformed("too many keys"));
        }
        let keys = (0..count).map(|_| buf.try_get_u32()).collect::<Result<_, _>>()?;
        let macs = if buf.has_remaining() { get_macs(buf)? } else { Vec::new() };
        let facts = Facts { protocol, freshness, phase, interfaces, owned, macs };
        Ok(Self { node, boot, rank, version, facts, keys })
    }
}

fn put_digest(buf: &mut impl BufMut, digest: &Digest) {
    buf.put_u64(digest.fingerprint);
    buf.put_u8(u8::from(digest.complete));
    let names = digest.names.get(..MAX_DIGEST_NAMES).unwrap_or(&digest.names);
    buf.put_u8(u8::try_from(names.len()).unwrap_or(0));
    for name in names {
        buf.put_u32(*name);
    }
}

fn get_digest(buf: &mut impl Buf) -> Result<Digest, Malformed> {
    let fingerprint = buf.try_get_u64()?;
    let complete = buf.try_get_u8()? == 1;
    let count = usize::from(buf.try_get_u8()?);
    if count > MAX_DIGEST_NAMES {
        return Err(Malformed("a digest has too many names"));
    }
    let names: Vec<u32> = (0..count).map(|_| buf.try_get_u32()).collect::<Result<_, _>>()?;
    // Looked up by binary search.
    if !names.is_sorted_by(|a, b| a < b) {
        return Err(Malformed("a digest is not in order"));
    }
    Ok(Digest { fingerprint, names, complete })
}

fn get_macs(buf: &mut impl Buf) -> Result<Vec<[u8; 6]>, Malformed> {
    let count = usize::from(buf.try_get_u8()?);
    if count > MAX_MACS {
        return Err(Malformed("too many MAC addresses"));
    }
    let mut macs = vec![[0; 6]; count];
    for mac in &mut macs {
        buf.try_copy_to_slice(mac)?;
    }
    if macs.is_sorted_by(|a, b| a < b) { Ok(macs) } else { Err(Malformed("MAC addresses are not in order")) }
}
