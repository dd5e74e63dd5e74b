//! The speaker's flags.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use herald_runtime::duration;
use herald_runtime::flags::{BindAddress, CommonFlags};

/// Announces LoadBalancer addresses from this node.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "herald-speaker", version, about)]
pub struct Flags {
    /// Flags that the controller has as well.
    #[command(flatten)]
    pub common: CommonFlags,

    /// Where /healthz and /readyz are served: ADDRESS:PORT, :PORT for every address, or 0 for nowhere
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:17472")]
    pub health_bind_address: BindAddress,

    /// Name of the Node this speaker runs on
    #[arg(long, value_name = "NAME", env = "HERALD_NODE_NAME")]
    pub node_name: String,

    /// Announce from nodes labelled node.kubernetes.io/exclude-from-external-load-balancers too
    #[arg(long)]
    pub ignore_exclude_lb: bool,

    /// How long addresses go on being announced after their pool is gone; 0s: not at all
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration::parse)]
    pub orphan_grace: Duration,

    /// What it means for a node to be cordoned: it announces only what no other node can, or nothing
    #[arg(long, value_name = "MEANING", value_enum, default_value_t = Cordon::PreferOthers)]
    pub cordon: Cordon,

    /// How long speakers wait for one that restarts, or falls silent on a node that answers; its node keeps its addresses
    /// meanwhile. 0s: not at all
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration::parse)]
    pub restart_grace: Duration,

    /// Answer new neighbours in the name of a node whose speaker restarts; false for switches with ARP inspection
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub restart_proxy: bool,

    /// How often addresses are announced again, because switches forget; 0s: never
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration::parse)]
    pub l2_refresh: Duration,

    /// File with interfaces that take no part in layer 2 (announcedInterfacesToExclude, as in MetalLB's ConfigMap
    /// metallb-excludel2) [default: MetalLB's list]
    #[arg(long, value_name = "FILE")]
    pub l2_exclude_file: Option<PathBuf>,

    /// How long routers are told (GRACEFUL_SHUTDOWN, RFC 8326) that the routes of a node that is drained go away, before
    /// they do; 0s: not at all
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = duration::parse)]
    pub bgp_drain: Duration,

    /// Address and port where routers may connect; below port 1024 that takes CAP_NET_BIND_SERVICE [default: nowhere]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub bgp_listen_address: Option<SocketAddr>,

    /// Say in ServiceBGPStatus objects, one for each Service and node, which peers have its routes: always, never, or as
    /// long as there are fewer than 5,000 of them
    #[arg(long = "service-bgp-status", value_name = "WHEN", value_enum, default_value_t = ServiceBgpStatus::Auto)]
    pub service_bgp_status: ServiceBgpStatus,

    /// Address to meet the other speakers on [default: the Node's InternalIP]
    #[arg(long, value_name = "ADDRESS")]
    pub membership_bind_address: Option<IpAddr>,

    /// UDP port to meet the other speakers on; the same on every node
    #[arg(long, value_name = "PORT", default_value_t = 7946, value_parser = clap::value_parser!(u16).range(1..))]
    pub membership_port: u16,

    /// Folder of the membership keys: file `current`, optionally `next` and `previous`, 16 bytes of text or more
    #[arg(long, value_name = "FOLDER", env = "HERALD_MEMBERSHIP_KEY_DIR")]
    pub membership_key_dir: Option<PathBuf>,

    /// Meet the other speakers without a key: anybody on the network can pose as one
    #[arg(long)]
    pub membership_insecure: bool,
}

/// What it means for layer 2 that a node is cordoned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Cordon {
    /// Others are preferred; it never loses what nobody else can announce.
    PreferOthers,
    /// Nothing.
    Ignore,
}

/// Whether ServiceBGPStatus objects are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ServiceBgpStatus {
    /// Until there are too many.
    Auto,
    /// Always.
    On,
    /// Never; those of before are removed.
    Off,
}

/// Flags that are right one by one but not together.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FlagsError {
    /// The node's name is empty.
    #[error("--node-name: \"\": must be the name of the Node this speaker runs on")]
    NoNodeName,
    /// There is neither a key nor the consent to go without.
    #[error(
        "--membership-key-dir: must name the folder with the membership key; \
         or give --membership-insecure, if anybody on the network may pose as a speaker"
    )]
    NoKey,
    /// There is both.
    #[error("--membership-insecure: contradicts --membership-key-dir {0:?}; give one of them")]
    KeyAndInsecure(PathBuf),
}

impl Flags {
    /// Checks what clap can't.
    ///
    /// # Errors
    /// [`FlagsError`], in one line that names the flag.
    pub fn check(&self) -> Result<(), FlagsError> {
        if self.node_name.is_empty() {
            return Err(FlagsError::NoNodeName);
        }
        match (&self.membership_key_dir, self.membership_insecure) {
            (None, false) => Err(FlagsError::NoKey),
            (Some(folder), true) => Err(FlagsError::KeyAndInsecure(folder.clone())),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    fn flags(arguments: &[&str]) -> Flags {
        Flags::parse_from(std::iter::once("herald-speaker").chain(arguments.iter().copied()))
    }

    #[test]
    fn a_key_or_the_consent_to_go_without() {
        assert_eq!(flags(&["--node-name=a"]).check(), Err(FlagsError::NoKey));
        assert_eq!(flags(&["--node-name=a", "--membership-insecure"]).check(), Ok(()));
        assert_eq!(flags(&["--node-name=a", "--membership-key-dir=/keys"]).check(), Ok(()));
        let both = flags(&["--node-name=a", "--membership-key-dir=/keys", "--membership-insecure"]);
        assert!(matches!(both.check(), Err(FlagsError::KeyAndInsecure(_))));
        assert_eq!(flags(&["--node-name=", "--membership-insecure"]).check(), Err(FlagsError::NoNodeName));
    }

    #[test]
    fn defaults() {
        let flags = flags(&["--node-name=a"]);
        assert_eq!(flags.membership_port, 7946);
        assert_eq!(flags.orphan_grace, Duration::from_secs(600));
        assert_eq!(flags.health_bind_address.to_string(), "127.0.0.1:17472");
        assert_eq!(flags.common.metrics_bind_address.to_string(), "[::]:9120");
    }

    #[test]
    fn port_zero_is_refused() {
        let refused = Flags::try_parse_from(["herald-speaker", "--node-name=a", "--membership-port=0"]);
        let line = herald_runtime::flags::one_line(&refused.expect_err("must be refused"));
        assert!(line.contains("--membership-port") && line.contains('0'), "{line}");
    }
}
