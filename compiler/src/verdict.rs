//! What is to be said about each object, in Kubernetes' form: conditions with a type, a status, a
//! reason for machines and a message for a person.
//!
//! | object | condition | True | False |
//! | --- | --- | --- | --- |
//! | all | `Accepted` | used exactly as written | something is not used: all of it (`Invalid…`) or a part, such as what an older pool has (`Overlap`) |
//! | pool | `Conflicted` | some addresses are listed twice, here or in another pool | every address is listed once |
//! | pool | `Exhausted` | a family that it has addresses of has none left | each has one left |
//! | pool | `Retained` | addresses in use came from it and are outside of it now | none are |
//! | advertisement | `ResolvedRefs` | everything it names exists | a pool, peer or community it names is missing |
//! | peer | `ResolvedRefs` | the BFD profile it names exists | it is missing, the session runs without |
//! | peer | `Questionable` | works, but hardly as it is meant | - |
//! | peer | `SessionsUp` | every node that is to have a session with it has one | some have none |
//!
//! The compiler says all but `Exhausted` and `Retained`, which depend on what is in use, and `SessionsUp`; the controller
//! adds those.
//! A condition that does not apply is absent: of an object that is left out the compiler says `Accepted` alone.

/// Kind of a configuration object that gets a verdict. (BFD profiles get none yet.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `IPAddressPool`.
    IpAddressPool,
    /// `L2Advertisement`.
    L2Advertisement,
    /// `BGPAdvertisement`.
    BgpAdvertisement,
    /// `BGPPeer`.
    BgpPeer,
    /// `Community`.
    Community,
}

impl Kind {
    /// The kind's name in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IpAddressPool => "IPAddressPool",
            Self::L2Advertisement => "L2Advertisement",
            Self::BgpAdvertisement => "BGPAdvertisement",
            Self::BgpPeer => "BGPPeer",
            Self::Community => "Community",
        }
    }

    /// The version of the API in which the kind is stored.
    #[must_use]
    pub fn version(self) -> &'static str {
        match self {
            Self::BgpPeer => "v1beta2",
            Self::IpAddressPool | Self::L2Advertisement | Self::BgpAdvertisement | Self::Community => "v1beta1",
        }
    }
}

/// What the compiler found about one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Kind of the object.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Its UID.
    pub uid: String,
    /// Generation of the spec judged.
    pub generation: i64,
    /// At most one condition per type, in the order of [`ConditionType`].
    pub conditions: Vec<Condition>,
}

impl Verdict {
    /// The condition of type `kind`, if it applies.
    #[must_use]
    pub fn condition(&self, kind: ConditionType) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.kind == kind)
    }

    /// True if the object is used exactly as written.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.condition(ConditionType::Accepted).is_some_and(|condition| condition.status)
    }

    /// True if anything is to be put in order: what deserves a Warning event.
    #[must_use]
    pub fn needs_attention(&self) -> bool {
        self.conditions.iter().any(|condition| condition.status != condition.kind.normal())
    }
}

/// One condition of a [`Verdict`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Type.
    pub kind: ConditionType,
    /// True or False; the compiler always knows.
    pub status: bool,
    /// Reason, for machines.
    pub reason: Reason,
    /// Message for a person: what is wrong, where, and what to write instead.
    pub message: String,
}

/// Type of a [`Condition`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConditionType {
    /// The object is used exactly as written.
    Accepted,
    /// Some of the pool's addresses are listed more than once.
    Conflicted,
    /// The pool has no address left of a family that it has addresses of.
    Exhausted,
    /// Addresses in use came from the pool and are outside of it now.
    Retained,
    /// Every object named by this one exists.
    ResolvedRefs,
    /// The object is used, but something in it hardly does what its author wants.
    Questionable,
    /// Every node that is to have a session with the peer has one.
    SessionsUp,
}

impl ConditionType {
    /// Every type that Herald writes.
    pub const ALL: [Self; 7] = [
        Self::Accepted,
        Self::Conflicted,
        Self::Exhausted,
        Self::Retained,
        Self::ResolvedRefs,
        Self::Questionable,
        Self::SessionsUp,
    ];

    /// The type as it stands in `status.conditions[].type`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "Accepted",
            Self::Conflicted => "Conflicted",
            Self::Exhausted => "Exhausted",
            Self::Retained => "Retained",
            Self::ResolvedRefs => "ResolvedRefs",
            Self::Questionable => "Questionable",
            Self::SessionsUp => "SessionsUp",
        }
    }

    /// The status of an object that is in order.
    #[must_use]
    pub fn normal(self) -> bool {
        match self {
            Self::Accepted | Self::ResolvedRefs | Self::SessionsUp => true,
            Self::Conflicted | Self::Exhausted | Self::Retained | Self::Questionable => false,
        }
    }
}

/// Reason of a [`Condition`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// `Accepted=True`.
    Accepted,
    /// `Accepted=False`: an item of `addresses` is missing or cannot be read.
    InvalidAddresses,
    /// `Accepted=False`: a label selector cannot be used.
    InvalidSelector,
    /// `Accepted=False`: a list holds the same entry twice.
    DuplicateEntry,
    /// `Accepted=False`: a weight outside 1 to 100.
    InvalidWeight,
    /// `Accepted=False`: a quota below 1.
    InvalidQuota,
    /// `Accepted=False`: an older pool has some or all of the addresses.
    Overlap,
    /// `Conflicted=False`.
    NoOverlap,
    /// `Conflicted=True`: an older pool has some of the addresses, and keeps them.
    OverlapsOlderPool,
    /// `Conflicted=True`: a younger pool lists some of the addresses too, in vain.
    OverlapsYoungerPool,
    /// `Conflicted=True`: the pool itself lists some addresses twice.
    ListedTwice,
    /// `Exhausted=False`.
    AddressesLeft,
    /// `Exhausted=True`: nobody waits for one.
    AllAddressesInUse,
    /// `Exhausted=True`: Services wait for an address.
    ServicesWaiting,
    /// `Retained=False`.
    NoneRetained,
    /// `Retained=True`: the addresses of the pool were changed.
    AddressesOutsidePool,
    /// `Retained=True`: the pool is not accepted, so it has no address at all.
    PoolNotAccepted,
    /// `ResolvedRefs=True`.
    ResolvedRefs,
    /// `ResolvedRefs=False`: a named pool is missing.
    PoolNotFound,
    /// `Accepted=False`: a field of a BGP peer, or two together, make no sense.
    InvalidPeer,
    /// `Accepted=False`: a length of prefixes that can't be, or not together with `serviceSelectors`.
    InvalidAggregation,
    /// `Accepted=False`: a number said of routes is out of range.
    InvalidAttribute,
    /// `Accepted=False`: a community can't be read. Of a Community object, other entries are used.
    InvalidCommunity,
    /// `Accepted=False`: an aggregate would hold more than the pool; host routes are announced.
    AggregationTooShort,
    /// `Accepted=False`: an older advertisement says something else of the same routes, and that is announced.
    ConflictingAdvertisement,
    /// `Accepted=False` and `ResolvedRefs=False`: no Community object has the name; nothing is announced.
    CommunityNotFound,
    /// `ResolvedRefs=False`: a named peer is missing.
    PeerNotFound,
    /// `ResolvedRefs=False`: the named BFD profile is missing.
    BfdProfileNotFound,
    /// `Questionable=True`: a session without hold time.
    HoldTimeDisabled,
    /// `Questionable=True`: a session without KEEPALIVEs, but with a hold time.
    KeepaliveDisabled,
    /// `SessionsUp=True`.
    AllEstablished,
    /// `SessionsUp=False`: some nodes have a session with the peer, others have none.
    SomeNotEstablished,
    /// `SessionsUp=False`: no node has a session with the peer.
    NoneEstablished,
}

impl Reason {
    /// The reason as it stands in `status.conditions[].reason`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "Accepted",
            Self::InvalidAddresses => "InvalidAddresses",
            Self::InvalidSelector => "InvalidSelector",
            Self::DuplicateEntry => "DuplicateEntry",
            Self::InvalidWeight => "InvalidWeight",
            Self::InvalidQuota => "InvalidQuota",
            Self::Overlap => "Overlap",
            Self::NoOverlap => "NoOverlap",
            Self::OverlapsOlderPool => "OverlapsOlderPool",
            Self::OverlapsYoungerPool => "OverlapsYoungerPool",
            Self::ListedTwice => "ListedTwice",
            Self::AddressesLeft => "AddressesLeft",
            Self::AllAddressesInUse => "AllAddressesInUse",
            Self::ServicesWaiting => "ServicesWaiting",
            Self::NoneRetained => "NoneRetained",
            Self::AddressesOutsidePool => "AddressesOutsidePool",
            Self::PoolNotAccepted => "PoolNotAccepted",
            Self::ResolvedRefs => "ResolvedRefs",
            Self::PoolNotFound => "PoolNotFound",
            Self::InvalidPeer => "InvalidPeer",
            Self::InvalidAggregation => "InvalidAggregation",
            Self::InvalidAttribute => "InvalidAttribute",
            Self::InvalidCommunity => "InvalidCommunity",
            Self::AggregationTooShort => "AggregationTooShort",
            Self::ConflictingAdvertisement => "ConflictingAdvertisement",
            Self::CommunityNotFound => "CommunityNotFound",
            Self::PeerNotFound => "PeerNotFound",
            Self::BfdProfileNotFound => "BfdProfileNotFound",
            Self::HoldTimeDisabled => "HoldTimeDisabled",
            Self::KeepaliveDisabled => "KeepaliveDisabled",
            Self::AllEstablished => "AllEstablished",
            Self::SomeNotEstablished => "SomeNotEstablished",
            Self::NoneEstablished => "NoneEstablished",
        }
    }
}
