//! The shell around [`Membership`]: one UDP socket, one timer, nothing decided.
//!
//! ```text
//!   decide ── nodes, ready, facts, leave ─► run ──► MemberEvent ──► decide
//!   decide ── whom to watch, verdicts ────►  │
//!   keys ──── KeyRing ────────────────────►  │
//!   UDP 7946 ◄──────────── sealed datagrams ─┘
//! ```

pub mod keys;

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use herald_membership::{
    Alone, Config, DownReason, DropReason, Facts, KeyRing, Leave, MAX_DATAGRAM, Membership, Output, Phase,
};
use herald_runtime::clock::Monotonic;
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, oneshot, watch};

use crate::decide::MemberEvent;
use crate::metrics::MembershipMetrics;

/// Datagrams taken in before timers have their turn.
const DATAGRAMS_PER_TURN: usize = 64;

/// What the membership follows. The newest value counts; nobody waits for it to be taken.
#[derive(Debug)]
pub struct Inputs {
    /// The nodes that the API lists, with where their speakers are met; not this one.
    pub nodes: watch::Receiver<Vec<(String, SocketAddr)>>,
    /// Those of them that the API calls ready: if none of these has a speaker that answers, something is wrong.
    pub ready: watch::Receiver<BTreeSet<String>>,
    /// What this speaker says about itself.
    pub facts: watch::Receiver<Facts>,
    /// The keys; nothing happens before there are any.
    pub keys: watch::Receiver<Option<KeyRing>>,
    /// Nodes whose speakers are watched closely: those whose addresses would be ours first. Sixteen count.
    pub watch: watch::Receiver<BTreeSet<String>>,
    /// What became of the search for a node that [`MemberEvent::Quiet`] was about.
    pub quiet: mpsc::Receiver<QuietVerdict>,
    /// Ask to say good-bye; the answer comes when all others know or time is up.
    pub leave: mpsc::Receiver<(Leave, oneshot::Sender<()>)>,
}

/// Whether a node whose speaker has missed its heartbeats answers on layer 2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QuietVerdict {
    /// It does not: its speaker is down.
    Confirm(Arc<str>),
    /// It does: only its speaker is quiet, and may be busy.
    Deny(Arc<str>),
}

/// Takes part in the membership until the inputs end.
///
/// # Errors
/// When the socket can't be bound or the configuration can't be used.
pub async fn run(
    config: Config,
    inputs: Inputs,
    clock: Monotonic,
    metrics: MembershipMetrics,
    events: mpsc::Sender<MemberEvent>,
) -> anyhow::Result<()> {
    let Inputs { mut nodes, mut ready, mut facts, mut keys, watch: mut watched, mut quiet, mut leave } = inputs;
    let socket = bind(config.address).await?;
    let first = keys.wait_for(Option::is_some).await?.clone();
    let Some(ring) = first else { anyhow::bail!("no membership key") };
    let mut membership = Membership::new(config, ring)?;
    membership.set_nodes(nodes.borrow_and_update().clone(), clock.now());
    membership.set_facts(facts.borrow_and_update().clone(), clock.now());
    let mut buffer = vec![0; MAX_DATAGRAM + 1];
    let mut leaving = None;
    loop {
        while let Some(output) = membership.poll_output() {
            perform(output, &socket, &events, &mut leaving).await;
        }
        metrics.set(&membership);
        let due = membership.next_deadline().map(|at| clock.instant(at));
        tokio::select! {
            biased; // a datagram that waits may be the answer to what a deadline would give up
            readable = socket.readable() => {
                readable?;
                receive(&mut membership, &socket, &mut buffer, clock);
            }
            () = sleep_until(due) => {}
            changed = nodes.changed() => {
                if changed.is_err() {
                    return Ok(());
                }
                membership.set_nodes(nodes.borrow_and_update().clone(), clock.now());
            }
            changed = ready.changed() => {
                if changed.is_err() {
                    return Ok(());
                }
                membership.set_ready(ready.borrow_and_update().iter().cloned(), clock.now());
            }
            changed = facts.changed() => {
                if changed.is_err() {
                    return Ok(());
                }
                membership.set_facts(facts.borrow_and_update().clone(), clock.now());
            }
            changed = watched.changed() => {
                if changed.is_err() {
                    return Ok(());
                }
                membership.watch(watched.borrow_and_update().iter().map(String::as_str), clock.now());
            }
            Some(verdict) = quiet.recv() => match verdict {
                QuietVerdict::Confirm(node) => {
                    if !membership.confirm_quiet(&node, clock.now()) {
                        tracing::debug!(%node, "heard again, or we were late: not called down");
                    }
                }
                QuietVerdict::Deny(node) => membership.deny_quiet(&node, clock.now()),
            },
            Some((how, done)) = leave.recv() => {
                leaving = Some(done);
                membership.leave(how, clock.now());
            }
            changed = keys.changed() => {
                changed?;
                if let Some(ring) = keys.borrow_and_update().clone() {
                    membership.set_keys(ring, clock.now());
                }
            }
        }
        membership.handle_deadline(clock.now());
    }
}

/// The address may belong to an interface that is still coming up.
async fn bind(address: SocketAddr) -> anyhow::Result<UdpSocket> {
    const PATIENCE: Duration = Duration::from_secs(30);
    const PAUSE: Duration = Duration::from_millis(200);
    let give_up = tokio::time::Instant::now() + PATIENCE;
    loop {
        match UdpSocket::bind(address).await {
            Ok(socket) => return Ok(socket),
            Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable && tokio::time::Instant::now() < give_up => {
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => anyhow::bail!("UDP {address} for the membership can't be bound: {error}"),
        }
    }
}

fn receive(membership: &mut Membership, socket: &UdpSocket, buffer: &mut [u8], clock: Monotonic) {
    for _ in 0..DATAGRAMS_PER_TURN {
        match socket.try_recv_from(buffer) {
            Ok((length, from)) => {
                // What is refused is counted there.
                let _ = membership.receive(from, buffer.get(..length).unwrap_or_default(), clock.now());
            }
            // Would block; or an ICMP error about something sent before, which SWIM finds out by itself.
            Err(_) => return,
        }
    }
}

async fn perform(
    output: Output,
    socket: &UdpSocket,
    events: &mpsc::Sender<MemberEvent>,
    leaving: &mut Option<oneshot::Sender<()>>,
) {
    let event = match output {
        Output::Send { to, datagram } => {
            // A datagram that can't be sent is a datagram lost.
            let _ = socket.try_send_to(&datagram, to);
            return;
        }
        Output::Left { unacknowledged } => {
            tracing::debug!(unacknowledged, "left the membership");
            if let Some(done) = leaving.take() {
                let _ = done.send(());
            }
            return;
        }
        Output::MemberUp { node, boot_id, address } => {
            tracing::info!(%node, boot_id, %address, "speaker is alive");
            MemberEvent::Up(node)
        }
        Output::MemberDown { node, boot_id, reason: DownReason::Left(Phase::Restarting { grace }), .. } => {
            tracing::info!(%node, boot_id, ?grace, "speaker restarts");
            MemberEvent::Away(node, grace)
        }
        Output::MemberDown { node, boot_id, reason, .. } => {
            tracing::info!(%node, boot_id, ?reason, "speaker is gone");
            match reason {
                DownReason::Silent | DownReason::Reported => MemberEvent::Silent(node),
                DownReason::Quiet | DownReason::Left(_) => MemberEvent::Down(node),
            }
        }
        Output::Alone(Some(alone)) => {
            tracing::warn!("{}", describe(alone));
            MemberEvent::Alone(Some(alone))
        }
        Output::Alone(None) => {
            tracing::info!("no longer the only speaker");
            MemberEvent::Alone(None)
        }
        Output::Quiet { node } => {
            tracing::debug!(%node, "speaker has missed its heartbeats");
            MemberEvent::Quiet(node)
        }
        Output::FactsChanged { node, facts } => MemberEvent::Facts(node, facts),
        Output::Former { facts } => MemberEvent::Former(facts),
        Output::Started => MemberEvent::Started,
    };
    // A closed channel means that the speaker ends.
    let _ = events.send(event).await;
}

/// What to say to a person whose speaker meets nobody: what is wrong, and where to look.
#[must_use]
pub fn describe(alone: Alone) -> String {
    let Alone { ready, refused } = alone;
    let look = match refused {
        None => "nothing arrives from them; is UDP 7946 between the nodes blocked, or does no speaker run there?",
        Some(DropReason::WrongKey) => "what arrives is sealed with another key; is the membership Secret the same?",
        Some(DropReason::Security) => {
            "what arrives is sealed and ours is not, or the reverse; is --membership-insecure set on some nodes only?"
        }
        Some(DropReason::Version) => "what arrives has a format that this version can't read",
        Some(_) => "what arrives can't be read; see the metric herald_membership_dropped",
    };
    format!("no other speaker answers although {ready} other nodes are ready: {look}")
}

async fn sleep_until(due: Option<tokio::time::Instant>) {
    match due {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
