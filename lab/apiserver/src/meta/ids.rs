//! UIDs, generated names, and times.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};

/// Letters of generated names: no vowels, so that no word comes about, and nothing that looks like something else.
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// A source of identities.
#[derive(Debug)]
pub(crate) struct Ids {
    rng: Mutex<StdRng>,
}

impl Ids {
    pub(crate) fn new() -> Self {
        Self { rng: Mutex::new(StdRng::seed_from_u64(RandomState::new().hash_one("ids"))) }
    }

    /// A random (version 4) UUID.
    pub(crate) fn uid(&self) -> String {
        let mut bytes = [0_u8; 16];
        self.rng().fill_bytes(&mut bytes);
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }

    /// Five random letters for a generated name.
    pub(crate) fn suffix(&self) -> String {
        let mut rng = self.rng();
        (0..5).map(|_| char::from(LETTERS[rng.random_range(0..LETTERS.len())])).collect()
    }

    /// A fraction in [0, 1).
    pub(crate) fn fraction(&self) -> f64 {
        self.rng().random_range(0.0..1.0)
    }

    fn rng(&self) -> std::sync::MutexGuard<'_, StdRng> {
        self.rng.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Now, to the second: `2026-11-21T10:08:00Z`.
pub(crate) fn time_now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
