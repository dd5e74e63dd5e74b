//! The controller's flags.

use std::time::Duration;

use herald_runtime::duration;
use herald_runtime::flags::{BindAddress, CommonFlags};

use crate::lead::Timing;

/// Hands out LoadBalancer addresses to Services, from IPAddressPools.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "herald-controller", version)]
pub struct Flags {
    /// What both programs understand.
    #[command(flatten)]
    pub common: CommonFlags,

    /// Where /healthz and /readyz are served: ADDRESS:PORT, :PORT for every address, or 0 for nowhere
    #[arg(long, value_name = "ADDRESS", default_value = ":17472")]
    pub health_bind_address: BindAddress,

    /// How long the other replicas wait for a leader that no longer renews its Lease
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = duration::parse)]
    pub leader_elect_lease_duration: Duration,

    /// How long the leader goes on without having renewed its Lease
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration::parse)]
    pub leader_elect_renew_deadline: Duration,

    /// Pause between two renewals
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = duration::parse)]
    pub leader_elect_retry_period: Duration,
}

impl Flags {
    /// How leader election is timed.
    ///
    /// # Errors
    /// A sentence that names the flags that don't fit together.
    pub fn timing(&self) -> Result<Timing, String> {
        let timing = Timing {
            lease: self.leader_elect_lease_duration,
            renew: self.leader_elect_renew_deadline,
            retry: self.leader_elect_retry_period,
        };
        timing.check().map(|()| timing)
    }
}
