//! The keys that seal datagrams, and how they rotate.
//!
//! ```text
//!            seals with    accepts
//!   step 1   A             A              only `current` = A
//!   step 2   A             A, B           `next` = B reaches every node; peers_with_next shows when
//!   step 3   B             B, A           `current` = B, `previous` = A; sealed_with shows who still seals with A
//!   step 4   B             B              `previous` removed
//! ```
//!
//! A node never seals with a key that a node one step behind would refuse, so a rotation splits nothing.

use std::fmt;

use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use hkdf::Hkdf;
use sha2::Sha256;
use thiserror::Error;

/// The shortest text a key is derived from, in bytes, not counting white space around it.
pub const MIN_KEY_TEXT: usize = 16;

/// Domain separation for HKDF. Changing either breaks every running cluster.
const SALT: &[u8] = b"herald membership";
const INFO_KEY: &[u8] = b"datagram key 1";
const INFO_ID: &[u8] = b"datagram key id 1";

/// The text that everybody knows: see [`KeyRing::insecure`].
const INSECURE_TEXT: &[u8] = b"herald membership without a key";

/// One key, derived from a text by HKDF-SHA256 (RFC 5869).
#[derive(Clone)]
pub struct Key {
    id: u32,
    cipher: XChaCha20Poly1305,
}

impl Key {
    /// Derives a key. White space at both ends is ignored, so that a Secret written with or without a final newline
    /// gives the same key.
    pub fn derive(text: &[u8]) -> Result<Self, KeyError> {
        let text = text.trim_ascii();
        if text.len() < MIN_KEY_TEXT {
            return Err(KeyError::TooShort(text.len()));
        }
        let hkdf = Hkdf::<Sha256>::new(Some(SALT), text);
        let (mut key, mut id) = ([0; 32], [0; 4]);
        hkdf.expand(INFO_KEY, &mut key).map_err(|_| KeyError::Derivation)?;
        hkdf.expand(INFO_ID, &mut id).map_err(|_| KeyError::Derivation)?;
        Ok(Self { id: u32::from_be_bytes(id), cipher: XChaCha20Poly1305::new(&key.into()) })
    }

    /// A fingerprint that travels in clear and says nothing about the key.
    pub fn id(&self) -> u32 {
        self.id
    }

    pub(crate) fn cipher(&self) -> &XChaCha20Poly1305 {
        &self.cipher
    }
}

impl fmt::Debug for Key {
    /// Shows the fingerprint, never the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({:08x})", self.id)
    }
}

/// The keys a speaker knows at one time.
#[derive(Clone, Debug)]
pub struct KeyRing {
    current: Key,
    next: Option<Key>,
    previous: Option<Key>,
    insecure: bool,
}

impl KeyRing {
    /// From the texts of the key files: `current` seals and opens, `next` and `previous` only open.
    pub fn new(current: &[u8], next: Option<&[u8]>, previous: Option<&[u8]>) -> Result<Self, KeyError> {
        Ok(Self {
            current: Key::derive(current)?,
            next: next.map(Key::derive).transpose()?,
            previous: previous.map(Key::derive).transpose()?,
            insecure: false,
        })
    }

    /// For `--membership-insecure`: a key that everybody knows. Anyone on the network may then read and forge
    /// membership. Datagrams keep their integrity check and stay separate per cluster UID, and they are marked, so
    /// that speakers with and without keys refuse each other by name rather than as "wrong key".
    pub fn insecure() -> Self {
        // The text is a constant of sufficient length, so deriving cannot fail; an all-zero key is as public.
        let public = Key::derive(INSECURE_TEXT)
            .unwrap_or_else(|_| Key { id: 0, cipher: XChaCha20Poly1305::new(&[0; 32].into()) });
        Self { current: public, next: None, previous: None, insecure: true }
    }

    /// Whether this is the public key of [`KeyRing::insecure`].
    pub fn is_insecure(&self) -> bool {
        self.insecure
    }

    /// The key that seals.
    pub fn current(&self) -> &Key {
        &self.current
    }

    /// The key that will seal after the next step of a rotation.
    pub fn next(&self) -> Option<&Key> {
        self.next.as_ref()
    }

    /// The key that no longer seals but still opens.
    pub fn previous(&self) -> Option<&Key> {
        self.previous.as_ref()
    }

    /// Every key that may open a datagram whose header carries this fingerprint.
    pub(crate) fn by_id(&self, id: u32) -> impl Iterator<Item = &Key> {
        self.all().filter(move |key| key.id == id)
    }

    /// Fingerprints of all keys we accept; peers learn from them whether a promotion is safe.
    pub(crate) fn accepted_ids(&self) -> Vec<u32> {
        self.all().map(Key::id).collect()
    }

    fn all(&self) -> impl Iterator<Item = &Key> {
        [Some(&self.current), self.next.as_ref(), self.previous.as_ref()].into_iter().flatten()
    }
}

/// Why a text makes no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Too little text to be a secret.
    #[error("the membership key has {0} bytes; give at least {MIN_KEY_TEXT}, for example `openssl rand -base64 32`")]
    TooShort(usize),
    /// HKDF refused the output length; cannot happen with the lengths used here.
    #[error("the membership key could not be derived")]
    Derivation,
}
