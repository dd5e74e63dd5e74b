//! UPDATE messages.

use crate::value::{Family, Prefix};

/// What an UPDATE of the peer amounts to. We keep no routes of others; they are checked and counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceivedUpdate {
    /// Routes announced, of our families; those of others are not even decoded.
    pub announced: Vec<Prefix>,
    /// Routes withdrawn, also those whose attributes make the announcement a withdrawal.
    pub withdrawn: Vec<Prefix>,
    /// The End-of-RIB marker of this family (RFC 4724 §2).
    pub end_of_rib: Option<Family>,
    /// What had to be done about wrong attributes.
    pub treatment: Treatment,
}

/// What RFC 7606 asks for, short of a reset of the session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Treatment {
    /// Nothing: the message is right.
    #[default]
    Accept,
    /// A wrong attribute of little weight counts as absent.
    DiscardAttribute {
        /// Type code of the first one.
        attribute: u8,
    },
    /// The routes announced count as withdrawn.
    TreatAsWithdraw {
        /// Type code of the first attribute that is wrong or missing; 0 if there is none to name.
        attribute: u8,
    },
}
