//! What a member is told when it starts.

use std::net::SocketAddr;
use std::time::Duration;

use thiserror::Error;

/// The longest node name: a DNS subdomain (RFC 1123), as Kubernetes enforces for Node objects.
pub const MAX_NODE_NAME: usize = 253;

/// How one speaker takes part in the membership.
#[derive(Clone, Debug)]
pub struct Config {
    /// Name of the Node this speaker runs on. At most one speaker may carry it at a time.
    pub node: String,
    /// Where the others reach us: the Node's first InternalIP and the membership port.
    pub address: SocketAddr,
    /// Tells this process from the earlier ones of the same node, and orders them: milliseconds since 1970 at start
    /// are right. A clock that went backwards delays the rejoin by one announcement (100 ms), nothing more.
    pub boot_id: u64,
    /// Identifies the cluster, for example the UID of namespace `kube-system`. Datagrams of another cluster are
    /// refused even if both use the same key.
    pub cluster_uid: String,
    /// Intervals and tolerances. The defaults meet the failover budget.
    pub timing: Timing,
    /// Seeds nonces, jitter and probe order. It **must** come from the operating system's entropy at every start:
    /// two processes with the same seed and key would repeat nonces, and XChaCha20-Poly1305 then protects nothing.
    pub seed: [u8; 32],
}

/// Intervals of the protocol. `docs/decisions/0040-membership-timing.md` has the measurements behind the defaults.
///
/// A silent node is noticed after (the wait until somebody probes it) + `probe_period` + `suspicion`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// One member is probed per period, each in turn, in an order that is shuffled after every round.
    pub probe_period: Duration,
    /// How long a probe waits for the direct answer before others are asked to try. Less than `probe_period`.
    pub probe_timeout: Duration,
    /// How long a member that failed a probe may stay silent before it is declared down.
    pub suspicion: Duration,
    /// How often a suspect, or a member that others call down, is asked directly to prove itself.
    pub prod_period: Duration,
    /// How long somebody else's verdict waits when the condemned answered *us* less than `suspicion` ago.
    pub doubt: Duration,
    /// How long somebody else's verdict waits otherwise: one round trip.
    pub check: Duration,
    /// Members that are watched closely send a heartbeat this often. Zero switches the fast watch off.
    pub heartbeat_period: Duration,
    /// A watched member of which nothing at all is heard for so long is quiet: three heartbeats, and half a period for
    /// the last one to arrive.
    pub heartbeat_patience: Duration,
    /// How often nodes that are listed but not alive are announced to; ±20 % jitter.
    pub announce_period: Duration,
    /// Start-up silence ends when nobody answered for so long.
    pub start_silence: Duration,
    /// Start-up silence ends so long after the first answer, unless every listed node answered before.
    pub start_settle: Duration,
    /// How often unacknowledged facts are sent again.
    pub facts_period: Duration,
    /// A leaving member waits so long for acknowledgements, at most.
    pub leave_timeout: Duration,
    /// Being the only speaker among nodes that are ready is told after this.
    pub alone_after: Duration,
    /// A timer of ours that fires later than this makes us distrust our own verdicts.
    pub late_tolerance: Duration,
    /// A member that is down and not listed by the API is forgotten after this.
    pub forget_after: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            probe_period: Duration::from_millis(50),
            probe_timeout: Duration::from_millis(25),
            suspicion: Duration::from_millis(350),
            prod_period: Duration::from_millis(50),
            doubt: Duration::from_millis(200),
            check: Duration::from_millis(30),
            heartbeat_period: Duration::from_millis(50),
            heartbeat_patience: Duration::from_millis(175),
            announce_period: Duration::from_millis(100),
            start_silence: Duration::from_secs(1),
            start_settle: Duration::from_millis(150),
            facts_period: Duration::from_millis(30),
            leave_timeout: Duration::from_millis(300),
            alone_after: Duration::from_secs(30),
            late_tolerance: Duration::from_millis(20),
            forget_after: Duration::from_secs(600),
        }
    }
}

/// Why a [`Config`] cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// The node name is empty or too long.
    #[error("node name {0:?} must have 1 to {MAX_NODE_NAME} bytes")]
    NodeName(String),
    /// Nobody could ever reach the address.
    #[error("membership address {0} is unspecified or has port 0; give the Node's InternalIP and a port")]
    Address(SocketAddr),
    /// The boot id leaves no room for rejoins.
    #[error("boot id {0} is too large; use milliseconds since 1970")]
    BootId(u64),
    /// An interval is zero, or the probe timeout does not fit into the probe period.
    #[error("membership timing: {0}")]
    Timing(&'static str),
}

impl Config {
    /// Checks everything [`crate::Membership::new`] relies on.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if self.node.is_empty() || self.node.len() > MAX_NODE_NAME {
            return Err(ConfigError::NodeName(self.node.clone()));
        }
        if self.address.ip().is_unspecified() || self.address.port() == 0 {
            return Err(ConfigError::Address(self.address));
        }
        if self.boot_id > u64::MAX / 2 {
            return Err(ConfigError::BootId(self.boot_id));
        }
        self.timing.check()
    }
}

impl Timing {
    fn check(&self) -> Result<(), ConfigError> {
        let periods = [
            self.probe_period,
            self.probe_timeout,
            self.suspicion,
            self.prod_period,
            self.announce_period,
            self.facts_period,
        ];
        if periods.iter().any(|p| *p < Duration::from_millis(1)) {
            return Err(ConfigError::Timing("every period must be at least 1 ms"));
        }
        if self.probe_timeout >= self.probe_period {
            return Err(ConfigError::Timing("probe_timeout must be less than probe_period"));
        }
        if !self.heartbeat_period.is_zero()
            && (self.heartbeat_period < Duration::from_millis(1) || self.heartbeat_patience <= self.heartbeat_period)
        {
            return Err(ConfigError::Timing("heartbeat_period must be zero or 1 ms, and heartbeat_patience more"));
        }
        Ok(())
    }
}
