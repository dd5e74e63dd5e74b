//! The acts of the demo. Each plays one thing and returns what it measured.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use nix::sys::signal::Signal;

use super::story::{Story, ms};
use super::{CALM, PATIENCE};
use crate::clock;
use crate::cluster::{Cluster, installed, manifest};
use crate::probe::stream::Fate;
use crate::probe::{ConnectProbe, NeighborProbe, StreamProbe, http};
use crate::scene::{self, Takeover};
use crate::wire::{Capture, Direction};

/// Lasting connections opened before a fault.
const STREAMS: usize = 4;

/// The first act's outcome.
pub(super) struct Start {
    pub(super) address: Ipv4Addr,
    pub(super) allocated: Duration,
    pub(super) first_answer: Duration,
    pub(super) http_ok: bool,
    /// Goes on asking through all later acts.
    pub(super) probe: NeighborProbe,
}

/// The manifest is applied; the Service gets an address; the network knows it.
pub(super) async fn address(story: &mut Story, cluster: &Cluster, capture: &Capture) -> Result<Start> {
    let lab = cluster.topology();
    let (user, newcomer) = (cluster.client_machine(0)?, cluster.client_machine(1)?);
    let client = cluster.client();
    story.chapter("kubectl apply -f config/samples/first-steps.yaml");
    story.quote(installed::FIRST_STEPS);
    let mut objects = manifest::read(installed::FIRST_STEPS)?;
    let service = objects.pop().context("the sample ends with a Service")?;
    for object in &objects {
        manifest::apply_object(&client, object).await?;
    }
    let created = clock::now();
    let (applied, allocated) = tokio::join!(
        manifest::apply_object(&client, &service),
        scene::allocated(&client, "default", "web-lb", PATIENCE),
    );
    applied?;
    let allocated = allocated?;
    let address = allocated.address;
    let wait = allocated.at - created;
    story.seen(format!("web-lb has EXTERNAL-IP {address}, {:.1} ms after it was created", ms(wait)));

    let probe = NeighborProbe::start(newcomer, address)?;
    let first = probe.wait_for(allocated.at, PATIENCE, |_| true)?;
    let first_answer = first.at - allocated.at;
    let owner = scene::owner(lab, &probe)?;
    story.seen(format!("client2 asked who has {address}; {owner} answered {:.1} ms later", ms(first_answer)));
    let claim = capture.wait_for("the owner's gratuitous ARP", created, PATIENCE, |s| {
        s.direction == Direction::ToMachine && s.frame.is_gratuitous() && s.frame.sender == address
    })?;
    story.seen(format!("on the wire, to everyone: {}", claim.frame));

    let page = http::get(user, address, 80, PATIENCE)?;
    let seen = format!("http://{address}/ answered client1: {} on {}, seeing {}", page.pod, page.node, page.client);
    ensure!(page.node == owner, "{seen}; but externalTrafficPolicy is Local and {owner} has the address");
    ensure!(page.client == user.station.v4().to_string(), "{seen}; the client's address was not kept");
    story.seen(seen);
    Ok(Start { address, allocated: wait, first_answer, http_ok: true, probe })
}

/// The owner's speaker is killed; another answers in its name; it is started again.
pub(super) async fn speaker_killed(
    story: &mut Story,
    cluster: &mut Cluster,
    probe: &NeighborProbe,
    address: Ipv4Addr,
) -> Result<Takeover> {
    let before = scene::settled(cluster.topology(), probe, CALM, PATIENCE).await?;
    story.chapter(&format!("The speaker on {before} is killed (SIGKILL)"));
    let user = cluster.client_machine(0)?;
    let streams = StreamProbe::start(user, address, 80, STREAMS)?;
    let killed = clock::now();
    cluster.speaker(&before)?.signal(Signal::SIGKILL)?;
    story.tell(format!("killed; client2 goes on asking every 10 ms, with {STREAMS} connections of client1 open"));
    let takeover = scene::answered_again(cluster, probe, killed, PATIENCE).await?;
    ensure!(takeover.owner == before, "{before} lives and forwards, but {} has the address", takeover.owner);
    let gap = ms(takeover.gap);
    story.seen(format!(
        "a new client waited {gap:.1} ms at worst; then the next speaker in line answered: \"at {before}\""
    ));
    let page = http::get(user, address, 80, PATIENCE)?;
    ensure!(page.node == before, "{before} has the address, but {} answered", page.pod);
    story.seen(format!(
        "client1 still gets its page from {} on {}, which forwards without a speaker",
        page.pod, page.node
    ));
    cluster.start_speaker(&before)?;
    cluster.speaker_ready(&before).await?;
    story.tell(format!("the speaker on {before} was started again, as its DaemonSet would do"));
    story.tell(fates(&streams));
    Ok(takeover)
}

/// What the loss of a node came to.
pub(super) struct Lost {
    pub(super) before: String,
    pub(super) after: String,
    pub(super) gap: Duration,
    pub(super) probes_sent: usize,
    pub(super) probes_lost: usize,
}

/// The owner's node is cut off without a word.
pub(super) async fn node_lost(
    story: &mut Story,
    cluster: &Cluster,
    probe: &NeighborProbe,
    address: Ipv4Addr,
) -> Result<Lost> {
    let lab = cluster.topology();
    let before = scene::settled(lab, probe, CALM, PATIENCE).await?;
    story.chapter(&format!("{before} is lost: the switch drops all its frames, its link stays up"));
    let user = cluster.client_machine(0)?;
    let streams = StreamProbe::start(user, address, 80, STREAMS)?;
    let connect = ConnectProbe::start(user, address, 80)?;
    let started = clock::now();
    tokio::time::sleep(CALM).await;
    let healthy = connect.record();
    let good = healthy.sent(started).saturating_sub(healthy.lost(started));
    ensure!(good > 0, "client1 could not connect even before the node was lost");
    let cut = clock::now();
    lab.switch().cut(&before)?;
    story.tell("cut off; client1 goes on connecting every 2 ms, client2 asking every 10 ms");
    let takeover = scene::taken_over(cluster, probe, &before, cut, PATIENCE).await?;
    story.seen(format!("{} took over; a new client waited {:.1} ms at worst", takeover.owner, ms(takeover.gap)));
    tokio::time::sleep(CALM).await;
    let record = connect.stop()?;
    let last = record.attempts.last().context("no connection was tried")?;
    ensure!(last.answered.is_some(), "client1 still could not connect {CALM:?} after the takeover");
    let lost = Lost {
        gap: record.longest_silence(started),
        probes_sent: record.sent(started),
        probes_lost: record.lost(started),
        before,
        after: takeover.owner,
    };
    story.seen(format!(
        "nobody could connect for {:.1} ms; {} of {} attempts were lost",
        ms(lost.gap),
        lost.probes_lost,
        lost.probes_sent
    ));
    let page = http::get(user, address, 80, PATIENCE)?;
    ensure!(page.node == lost.after, "{} has the address, but {} answered", lost.after, page.pod);
    story.seen(format!("client1 gets its page from {} on {} now", page.pod, page.node));
    story.tell(fates(&streams));
    Ok(lost)
}

/// The lost node comes back, believing that it still owns the address.
pub(super) async fn healed(
    story: &mut Story,
    cluster: &Cluster,
    probe: &NeighborProbe,
    capture: &Capture,
    address: Ipv4Addr,
    lost: &Lost,
) -> Result<()> {
    let lab = cluster.topology();
    story.chapter(&format!("{} comes back", lost.before));
    let healed = clock::now();
    lab.switch().heal(&lost.before)?;
    story.tell("healed; both nodes believe that the address is theirs");
    tokio::time::sleep(CALM).await;
    let owner = scene::settled(lab, probe, CALM, PATIENCE).await?;
    let record = probe.record();
    story.seen(format!(
        "{owner} alone answers; for {:.1} ms two nodes did; changes of owner: {}",
        ms(record.two_owners(healed)),
        record.flips(healed - CALM)
    ));
    let since = clock::now() - CALM;
    let mac = lab.node(&owner)?.station.mac();
    let claims = capture.claims_seen_by("client2", address, since);
    ensure!(!claims.is_empty(), "the switch saw no answer in the last {CALM:?}");
    let foreign = claims.iter().find(|claim| claim.frame.sender_mac != mac);
    ensure!(foreign.is_none(), "the switch still sees another owner: {foreign:?}");
    story.seen(format!("in the last second the switch saw {} claims of {address}, all by {owner}", claims.len()));
    Ok(())
}

fn fates(streams: &StreamProbe) -> String {
    let (mut alive, mut reset, mut stalled) = (0, 0, 0);
    for fate in streams.fates() {
        match fate {
            Fate::Alive { .. } => alive += 1,
            Fate::Reset { .. } => reset += 1,
            Fate::Stalled => stalled += 1,
        }
    }
    format!("of the open connections {alive} survived, {reset} were reset, {stalled} stalled")
}
