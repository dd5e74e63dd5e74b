//! Herald's sessions in a process of their own, so that its memory and processor time are theirs alone.
//!
//! ```text
//!  herald-bench --announce COUNT --to ADDRESS …    one session each, COUNT prefixes with the same attributes
//!               --turns N --pause-ms T             then N times, T apart, all of them change, and at last they go
//!               --churn --pause-ms T               every T some of them change, come or go
//! ```

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;
use herald_bgp::state::{PeerConfig, RemoteAs};
use herald_bgp::{Asn, Attributes, Family, HoldTime, Prefix, RouterId};
use herald_lab::namespace::Namespace;
use herald_lab::program::{Invocation, Program};
use herald_runtime::clock::Monotonic;
use herald_speaker::bgp::{Command, NodeAddresses, Peer, Routes, Transport, start};

use super::sink;

/// Herald's AS number.
pub const ASN: u32 = 64512;

/// How many prefixes change at once while some do.
const AT_ONCE: usize = 200;

/// How many kinds of attributes there are meanwhile.
const VARIANTS: usize = 50;

/// What the process is to do.
#[derive(Args, Clone, Debug, Default)]
pub struct Announce {
    /// Announces so many prefixes to each peer, until it is ended.
    #[arg(long, value_name = "COUNT", hide = true)]
    announce: Option<usize>,
    /// A peer; may be repeated. The family of the prefixes is that of its address.
    #[arg(long, value_name = "ADDRESS:PORT", hide = true)]
    to: Vec<SocketAddr>,
    /// Changes all of them so many times.
    #[arg(long, value_name = "COUNT", hide = true, default_value_t = 0)]
    turns: usize,
    /// Changes some of them all the time.
    #[arg(long, hide = true)]
    churn: bool,
    /// Time between two changes, in milliseconds.
    #[arg(long, value_name = "MS", hide = true, default_value_t = 1000)]
    pause_ms: u64,
}

impl Announce {
    /// So many prefixes to these peers.
    pub fn to(prefixes: usize, peers: impl IntoIterator<Item = SocketAddr>) -> Self {
        Self { announce: Some(prefixes), to: peers.into_iter().collect(), ..Self::default() }
    }

    /// The same, all of them changed so many times, and withdrawn at last.
    pub fn turns(self, turns: usize, pause: Duration) -> Self {
        Self { turns, ..self }.every(pause)
    }

    /// The same, some of them changed all the time.
    pub fn churn(self, pause: Duration) -> Self {
        Self { churn: true, ..self }.every(pause)
    }

    fn every(self, pause: Duration) -> Self {
        Self { pause_ms: u64::try_from(pause.as_millis()).unwrap_or(u64::MAX), ..self }
    }

    /// Whether there is something to do.
    pub fn is_asked_for(&self) -> bool {
        self.announce.is_some()
    }

    /// Starts a process that does it.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn start(&self, namespace: &Namespace, dir: &Path) -> Result<Program> {
        let mut args = vec![
            format!("--announce={}", self.announce.unwrap_or_default()),
            format!("--turns={}", self.turns),
            format!("--pause-ms={}", self.pause_ms),
        ];
        args.extend(self.churn.then(|| "--churn".to_owned()));
        args.extend(self.to.iter().map(|peer| format!("--to={peer}")));
        let invocation = Invocation {
            name: "announcer".to_owned(),
            program: std::env::current_exe().context("find this program")?,
            args: args.into_iter().map(Into::into).collect(),
            env: Vec::new(),
            log: dir.join("announcer.log"),
        };
        Program::start(namespace, &invocation)
    }

    /// Does it, in this process.
    ///
    /// # Errors
    /// When a session can't be started.
    pub fn run(self) -> Result<()> {
        // As many threads as the speaker has.
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        runtime.block_on(async move {
            let clock = Monotonic::start();
            let count = self.announce.unwrap_or_default();
            let mut handles = Vec::new();
            for (number, remote) in self.to.iter().enumerate() {
                handles.push((*remote, start(peer(number, *remote)?, routes(*remote, 0..count, 0), clock)?));
            }
            let mut turns = 1_usize..;
            while let Some(turn) = turns.next().filter(|turn| self.churn || (self.turns > 0 && *turn <= self.turns + 1))
            {
                tokio::time::sleep(Duration::from_millis(self.pause_ms)).await;
                let last = !self.churn && turn > self.turns;
                for (remote, handle) in &handles {
                    let change = match (self.churn, last) {
                        (true, _) => churned(*remote, count, turn),
                        (false, false) => routes(*remote, 0..count, turn),
                        (false, true) => gone(routes(*remote, 0..count, turn)),
                    };
                    handle.commands.send(Command::Routes(change)).await.context("a session has ended")?;
                }
            }
            std::future::pending().await
        })
    }
}

/// What a session with the peer at `remote` is like.
///
/// # Errors
/// When there is no such AS number.
pub fn peer(number: usize, remote: SocketAddr) -> Result<Peer> {
    let config = PeerConfig {
        local_asn: Asn::new(ASN).context("an AS number")?,
        shown_asn: None,
        remote: RemoteAs::Exactly(Asn::new(sink::ASN.into()).context("an AS number")?),
        router_id: RouterId::new(Ipv4Addr::new(192, 0, 2, 1)).context("a router ID")?,
        hold_time: HoldTime::DEFAULT,
        keepalive: None,
        connect_retry: Duration::from_secs(1),
        families: Family::ALL.into_iter().collect(),
        extended_next_hop: false,
        graceful_restart: None,
        passive: false,
        delay_open: None,
        host_name: None,
        seed: u64::try_from(number).unwrap_or_default(),
    };
    let transport =
        Transport { remote, source: None, device: None, key: None, minimum_hop_count: None, user_timeout: None };
    Ok(Peer { name: format!("peer{number}"), config, transport, addresses: NodeAddresses::default() })
}

/// The prefixes with these numbers, as they are after so many changes.
pub fn routes(remote: SocketAddr, numbers: std::ops::Range<usize>, turn: usize) -> Routes {
    let med = u32::try_from(turn).ok().filter(|turn| *turn > 0);
    let attributes = Arc::new(Attributes { med, communities: BTreeSet::new(), ..Attributes::default() });
    numbers.map(|number| (Prefix::host(address(remote, number)), Some(Arc::clone(&attributes)))).collect()
}

/// Some prefixes, one after the other, that change, come or go.
fn churned(remote: SocketAddr, count: usize, turn: usize) -> Routes {
    let first = turn * 7919 % count.max(1);
    let some = routes(remote, first..count.min(first + AT_ONCE), turn % VARIANTS);
    if turn.is_multiple_of(3) { gone(some) } else { some }
}

fn gone(routes: Routes) -> Routes {
    routes.into_iter().map(|(prefix, _)| (prefix, None)).collect()
}

/// An address of 10.0.0.0/8 or fd00::/96.
pub fn address(like: SocketAddr, number: usize) -> IpAddr {
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    match like {
        SocketAddr::V4(_) => Ipv4Addr::from_bits(0x0a00_0000 | number).into(),
        SocketAddr::V6(_) => Ipv6Addr::from_bits(0xfd00 << 112 | u128::from(number)).into(),
    }
}
