//! The shell around [`Membership`]: one UDP socket, one timer, nothing decided.
//!
//! ```text
//!   decide ── nodes, facts, leave ──► run ──► MemberEvent ──► decide
//!   keys ──── KeyRing ──────────────►  │
//!   UDP 7946 ◄────── sealed datagrams ─┘
//! ```

pub mod keys;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use herald_membership::{Config, Facts, KeyRing, Leave, MAX_DATAGRAM, Membership, Output};
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
    /// What this speaker says about itself.
    pub facts: watch::Receiver<Facts>,
    /// The keys; nothing happens before there are any.
    pub keys: watch::Receiver<Option<KeyRing>>,
    /// Ask to say good-bye; the answer comes when all others know or time is up.
    pub leave: mpsc::Receiver<(Leave, oneshot::Sender<()>)>,
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
    let Inputs { mut nodes, mut facts, mut keys, mut leave } = inputs;
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
            changed = facts.changed() => {
                if changed.is_err() {
                    return Ok(());
                }
                membership.set_facts(facts.borrow_and_update().clone(), clock.now());
            }
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
        Output::MemberDown { node, boot_id, reason, .. } => {
            tracing::info!(%node, boot_id, ?reason, "speaker is gone");
            MemberEvent::Down(node)
        }
        Output::FactsChanged { node, facts } => MemberEvent::Facts(node, facts),
        Output::Started => MemberEvent::Started,
    };
    // A closed channel means that the speaker ends.
    let _ = events.send(event).await;
}

async fn sleep_until(due: Option<tokio::time::Instant>) {
    match due {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
