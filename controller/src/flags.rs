//! The controller's flags.

use herald_runtime::flags::{BindAddress, CommonFlags};

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
}
