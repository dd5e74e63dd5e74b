//! Hold times.

use std::fmt;
use std::time::Duration;

/// How long a session survives without a message: 0 for ever, else 3 s or more (RFC 4271 §4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HoldTime(u16);

/// One or two seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a hold time of {0} s is not possible: it is 0 or at least 3 s")]
pub struct InvalidHoldTime(pub u16);

impl HoldTime {
    /// None: the session survives without a message.
    pub const NONE: Self = Self(0);
    /// What RFC 4271 §10 suggests, and MetalLB has by default.
    pub const DEFAULT: Self = Self(90);

    /// `seconds`, if they are possible.
    ///
    /// # Errors
    /// For 1 and 2 seconds.
    pub fn from_seconds(seconds: u16) -> Result<Self, InvalidHoldTime> {
        match seconds {
            1 | 2 => Err(InvalidHoldTime(seconds)),
            _ => Ok(Self(seconds)),
        }
    }

    /// In seconds.
    #[must_use]
    pub fn seconds(self) -> u16 {
        self.0
    }

    /// As a duration, if there is one.
    #[must_use]
    pub fn duration(self) -> Option<Duration> {
        (self.0 > 0).then(|| Duration::from_secs(self.0.into()))
    }
}

impl fmt::Display for HoldTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s", self.0)
    }
}
