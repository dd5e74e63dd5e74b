//! Sealing and opening.

use std::sync::Arc;

use bytes::{Buf, BufMut};
use chacha20poly1305::{AeadInOut, Tag, XNonce};
use rand::Rng;

use super::{MAX_DATAGRAM, field};
use crate::counters::DropReason;
use crate::keys::KeyRing;

/// The format we write.
pub(crate) const VERSION: u8 = 1;
/// The oldest format whose reader understands what we write.
pub(crate) const READABLE_BY: u8 = 1;

/// The oldest format we read: the one before ours, once there is one.
const OLDEST_READ: u8 = 1;

const FLAG_INSECURE: u8 = 1;
const NONCE: usize = 24;
const TAG: usize = 16;

/// The clear part of a datagram that turned out authentic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sender {
    pub(crate) node: Arc<str>,
    pub(crate) boot: u64,
    /// Counts the datagrams of this boot, from 1.
    pub(crate) counter: u64,
}

/// A datagram that turned out authentic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Opened {
    pub(crate) sender: Sender,
    pub(crate) body: Vec<u8>,
    /// Fingerprint of the key that it was sealed with.
    pub(crate) key: u32,
}

/// How many bytes [`seal`] adds to a body.
pub(crate) fn overhead(node: &str) -> usize {
    4 + node.len() + 8 + 8 + 4 + NONCE + TAG
}

/// Builds the datagram.
pub(crate) fn seal(body: &[u8], sender: &Sender, keys: &KeyRing, cluster_uid: &str, rng: &mut impl Rng) -> Vec<u8> {
    seal_as([VERSION, READABLE_BY], body, sender, keys, cluster_uid, rng)
}

/// Builds the datagram as some version of us writes it: its format, and who can read that.
pub(crate) fn seal_as(
    format: [u8; 2],
    body: &[u8],
    sender: &Sender,
    keys: &KeyRing,
    cluster_uid: &str,
    rng: &mut impl Rng,
) -> Vec<u8> {
    let mut datagram = Vec::with_capacity(overhead(&sender.node) + body.len());
    datagram.put_slice(&format);
    datagram.put_u8(if keys.is_insecure() { FLAG_INSECURE } else { 0 });
    field::put_name(&mut datagram, &sender.node);
    datagram.put_u64(sender.boot);
    datagram.put_u64(sender.counter);
    datagram.put_u32(keys.current().id());
    let associated = associated_data(cluster_uid, &datagram);
    let mut nonce = [0; NONCE];
    rng.fill_bytes(&mut nonce);
    datagram.put_slice(&nonce);
    let clear = datagram.len();
    datagram.put_slice(body);
    let sealed = datagram.get_mut(clear..).unwrap_or_default();
    // The cipher refuses only messages of 256 GiB; an empty tag then makes the peer drop the datagram.
    let tag = keys
        .current()
        .cipher()
        .encrypt_inout_detached(&XNonce::from(nonce), &associated, sealed.into())
        .unwrap_or_default();
    datagram.put_slice(&tag);
    datagram
}

/// Checks and opens a datagram.
pub(crate) fn open(datagram: &[u8], keys: &KeyRing, cluster_uid: &str) -> Result<Opened, DropReason> {
    if datagram.len() > MAX_DATAGRAM {
        return Err(DropReason::Oversized);
    }
    let mut rest = datagram;
    let short = |_| DropReason::TooShort;
    let version = rest.try_get_u8().map_err(short)?;
    let readable_by = rest.try_get_u8().map_err(short)?;
    if version < OLDEST_READ || readable_by > VERSION {
        return Err(DropReason::Version);
    }
    let insecure = rest.try_get_u8().map_err(short)? & FLAG_INSECURE != 0;
    if insecure != keys.is_insecure() {
        return Err(DropReason::Security);
    }
    let node = field::get_name(&mut rest).map_err(|_| DropReason::TooShort)?;
    let boot = rest.try_get_u64().map_err(short)?;
    let counter = rest.try_get_u64().map_err(short)?;
    let key_id = rest.try_get_u32().map_err(short)?;
    let header = datagram.get(..datagram.len() - rest.len()).unwrap_or_default();
    let mut nonce = [0; NONCE];
    rest.try_copy_to_slice(&mut nonce).map_err(short)?;
    let (sealed, tag) = rest.split_last_chunk::<TAG>().ok_or(DropReason::TooShort)?;
    let associated = associated_data(cluster_uid, header);
    for key in keys.by_id(key_id) {
        let mut body = sealed.to_vec();
        let opened = key.cipher().decrypt_inout_detached(
            &XNonce::from(nonce),
            &associated,
            body.as_mut_slice().into(),
            &Tag::from(*tag),
        );
        if opened.is_ok() {
            return Ok(Opened { sender: Sender { node, boot, counter }, body, key: key_id });
        }
    }
    Err(DropReason::WrongKey)
}

/// The length in front keeps a UID and the header that follows apart.
fn associated_data(cluster_uid: &str, header: &[u8]) -> Vec<u8> {
    let mut data = Vec::with_capacity(8 + cluster_uid.len() + header.len());
    data.put_u64(cluster_uid.len() as u64);
    data.put_slice(cluster_uid.as_bytes());
    data.put_slice(header);
    data
}
