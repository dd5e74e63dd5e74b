//! Cease: the session ends although nobody made a mistake (RFC 4486, RFC 8538, RFC 9003, RFC 9384).

use super::{Notification, code, shutdown};
use crate::value::Family;

/// Subcodes of Cease.
pub(super) mod subcode {
    pub const MAXIMUM_PREFIXES: u8 = 1;
    pub const ADMINISTRATIVE_SHUTDOWN: u8 = 2;
    pub const PEER_DECONFIGURED: u8 = 3;
    pub const ADMINISTRATIVE_RESET: u8 = 4;
    pub const CONNECTION_REJECTED: u8 = 5;
    pub const OTHER_CONFIGURATION_CHANGE: u8 = 6;
    pub const CONNECTION_COLLISION: u8 = 7;
    pub const OUT_OF_RESOURCES: u8 = 8;
    pub const HARD_RESET: u8 = 9;
    pub const BFD_DOWN: u8 = 10;
}

impl Notification {
    fn cease(subcode: u8) -> Self {
        Self::new(code::CEASE, subcode)
    }

    /// The peer announces more than `limit` prefixes of `family`.
    #[must_use]
    pub fn maximum_prefixes(family: Family, limit: u32) -> Self {
        let mut data = family.afi().to_be_bytes().to_vec();
        data.push(Family::UNICAST);
        data.extend(limit.to_be_bytes());
        Self::with_data(code::CEASE, subcode::MAXIMUM_PREFIXES, data)
    }

    /// Somebody stopped the session, and `text` says why to whom looks after the peer (RFC 9003). More than 255 octets of it
    /// are cut between two characters.
    #[must_use]
    pub fn administrative_shutdown(text: Option<&str>) -> Self {
        Self::with_data(code::CEASE, subcode::ADMINISTRATIVE_SHUTDOWN, shutdown::encode(text))
    }

    /// Somebody restarts the session, and `text` says why (RFC 9003).
    #[must_use]
    pub fn administrative_reset(text: Option<&str>) -> Self {
        Self::with_data(code::CEASE, subcode::ADMINISTRATIVE_RESET, shutdown::encode(text))
    }

    /// The peer has been removed from the configuration.
    #[must_use]
    pub fn peer_deconfigured() -> Self {
        Self::cease(subcode::PEER_DECONFIGURED)
    }

    /// The connection is not wanted.
    #[must_use]
    pub fn connection_rejected() -> Self {
        Self::cease(subcode::CONNECTION_REJECTED)
    }

    /// The configuration has changed in a way that needs a new session.
    #[must_use]
    pub fn other_configuration_change() -> Self {
        Self::cease(subcode::OTHER_CONFIGURATION_CHANGE)
    }

    /// The other of two connections stays (RFC 4271 §6.8).
    #[must_use]
    pub fn connection_collision() -> Self {
        Self::cease(subcode::CONNECTION_COLLISION)
    }

    /// Something ran out.
    #[must_use]
    pub fn out_of_resources() -> Self {
        Self::cease(subcode::OUT_OF_RESOURCES)
    }

    /// BFD says that the peer can't be reached (RFC 9384).
    #[must_use]
    pub fn bfd_down() -> Self {
        Self::cease(subcode::BFD_DOWN)
    }

    /// The same reason, and routes shall not be kept for a graceful restart (RFC 8538 §3).
    #[must_use]
    pub fn hard_reset(&self) -> Self {
        if self.is_hard_reset() {
            return self.clone();
        }
        let mut data = vec![self.code, self.subcode];
        data.extend(&self.data);
        Self::with_data(code::CEASE, subcode::HARD_RESET, data)
    }

    /// Whether routes shall not be kept for a graceful restart, whatever was negotiated.
    #[must_use]
    pub fn is_hard_reset(&self) -> bool {
        (self.code, self.subcode) == (code::CEASE, subcode::HARD_RESET)
    }

    /// The reason that a hard reset carries; itself for any other message.
    #[must_use]
    pub fn reason(&self) -> Self {
        match self.data.as_slice() {
            [code, subcode, data @ ..] if self.is_hard_reset() => Self::with_data(*code, *subcode, data),
            _ => self.clone(),
        }
    }

    /// What the peer's administrator has to say (RFC 9003), also inside of a hard reset.
    #[must_use]
    pub fn shutdown_text(&self) -> Option<String> {
        let reason = self.reason();
        let told = matches!(reason.subcode, subcode::ADMINISTRATIVE_SHUTDOWN | subcode::ADMINISTRATIVE_RESET);
        if reason.code == code::CEASE && told { shutdown::decode(&reason.data) } else { None }
    }
}
