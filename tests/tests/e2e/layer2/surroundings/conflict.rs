//! Another machine has an address that a node announces.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use herald_crds::ServiceL2Status;
use herald_lab::clock;
use herald_lab::cluster::SYSTEM_NAMESPACE;
use herald_lab::cluster::programs::{self, Ports};
use herald_lab::tool;
use herald_lab::wire::socket::{NeighborSocket, Receives};
use herald_lab::wire::{ArpFrame, Direction, NdpFrame, NdpKind, Operation};
use herald_tests::{PATIENCE, eventually};
use kube::Api;
use kube::api::ListParams;

use super::{REFRESH, SERVICE, Scene};

/// How long the other machine insists: less than the ten seconds between two defences (RFC 5227 §2.4).
const INSISTS: Duration = Duration::from_secs(3);

/// Between two of its claims.
const CLAIMS_EVERY: Duration = Duration::from_millis(25);

/// The condition of the owner's ServiceL2Status, and the Event.
const CONFLICT: &str = "AddressConflict";

/// The metric, of machines that are no speakers.
const METRIC: (&str, &str) = ("herald_layer2_claims_total", "claimant=\"foreign\"");

/// What the API says of the conflict.
async fn said(scene: &Scene) -> Result<Option<String>> {
    let api: Api<ServiceL2Status> = Api::namespaced(scene.stage.client(), SYSTEM_NAMESPACE);
    let all = api.list(&ListParams::default().labels(&format!("metallb.io/node={}", scene.owner))).await?;
    let conditions = all.items.into_iter().filter_map(|one| one.status).flat_map(|status| status.conditions);
    Ok(conditions.filter(|one| one.status == "True").find(|one| one.type_ == CONFLICT).map(|one| one.message))
}

/// Waits until the API says nothing of a conflict any more.
async fn is_over(scene: &Scene) -> Result<()> {
    eventually("the condition ends", async || Ok(said(scene).await?.is_none().then_some(()))).await
}

fn claims(scene: &Scene) -> Result<f64> {
    let node = &scene.stage.cluster.topology().node(&scene.owner)?.namespace;
    Ok(programs::series(node, Ports::default(), METRIC.0, METRIC.1)?.into_iter().sum())
}

/// When the owner has announced the address, and how often it asked who else has it. With each refresh goes such a
/// question, so what is announced without one is a defence.
struct Sent {
    announced: Vec<Instant>,
    asked: usize,
}

impl Sent {
    fn arp(scene: &Scene, from: Instant) -> Self {
        let all = scene.stage.capture.seen().into_iter();
        let mine = all.filter(|one| one.at >= from && one.direction == Direction::FromMachine);
        let mine = mine.filter(|one| one.machine == scene.owner && one.frame.source == scene.mac);
        // Each announcement is a request and a reply.
        let about = mine.filter(|one| one.frame.target == scene.v4 && one.frame.operation == Operation::Request);
        let (announced, asked): (Vec<_>, Vec<_>) = about.partition(|one| one.frame.is_gratuitous());
        Self { announced: announced.iter().map(|one| one.at).collect(), asked: asked.len() }
    }

    fn ndp(scene: &Scene, from: Instant) -> Self {
        let all = scene.stage.capture.seen_ndp().into_iter();
        let mine = all.filter(|one| one.at >= from && one.direction == Direction::FromMachine);
        let mine = mine.filter(|one| one.machine == scene.owner && one.frame.source == scene.mac);
        let about = mine.filter(|one| one.frame.target == scene.v6);
        let about = about.filter(|one| one.frame.kind == NdpKind::Solicitation || one.frame.to.is_multicast());
        let (asked, announced): (Vec<_>, Vec<_>) = about.partition(|one| one.frame.kind == NdpKind::Solicitation);
        Self { announced: announced.iter().map(|one| one.at).collect(), asked: asked.len() }
    }

    /// Fails unless the address was defended at once, and once.
    fn is_one_defence(&self, family: &str, from: Instant) -> Result<()> {
        let first = self.announced.first().with_context(|| format!("{family}: not defended"))?;
        let took = *first - from;
        let defences = self.announced.len().saturating_sub(self.asked);
        ensure!(took <= REFRESH / 2, "{family}: defended after {took:?}");
        // One may have been due at that moment anyway.
        ensure!(defences <= 1, "{family}: defended {defences} times in {INSISTS:?}");
        Ok(())
    }
}

/// A machine claims both addresses again and again.
pub(super) async fn machines_that_insist(scene: &Scene) -> Result<()> {
    eventually("the burst of announcements is over", async || {
        let from = scene.asker.record().started - PATIENCE;
        Ok((Sent::arp(scene, from).asked > 0 && Sent::ndp(scene, from).asked > 0).then_some(()))
    })
    .await?;
    ensure!(said(scene).await?.is_none(), "nobody else has it yet");
    let before = claims(scene)?;

    let (foreigner, v4, v6) = (scene.stage.user()?, scene.v4, scene.v6);
    let mac = foreigner.station.mac();
    let begun = clock::now();
    let insisting = foreigner.namespace.spawn("claims", move || -> Result<u32> {
        let (arp, ndp) = (ArpFrame::announcement(v4, mac).to_bytes(), NdpFrame::announcement(v6, mac).to_bytes());
        let socket = NeighborSocket::on_interface("eth0", Receives::Arp)?;
        let mut sent = 0;
        while clock::now() < begun + INSISTS {
            socket.send(&arp)?;
            socket.send(&ndp)?;
            sent += 2;
            std::thread::sleep(CLAIMS_EVERY);
        }
        Ok(sent)
    })?;
    let message = eventually("the condition names both addresses", async || {
        Ok(said(scene).await?.filter(|text| text.contains(&v4.to_string()) && text.contains(&v6.to_string())))
    })
    .await?;
    ensure!(message.contains(&mac.to_string()) && message.contains("eth0"), "{message}");
    let note = scene.stage.event("default", SERVICE, CONFLICT).await?;
    ensure!(note.contains(&mac.to_string()), "{note}");
    let sent = tokio::task::spawn_blocking(move || insisting.join()).await???;

    Sent::arp(scene, begun).is_one_defence("IPv4", begun)?;
    Sent::ndp(scene, begun).is_one_defence("IPv6", begun)?;
    let counted = claims(scene)? - before;
    // Each was heard; when the machine is busy, some in another moment than this.
    ensure!(counted >= f64::from(sent / 2) && counted <= f64::from(sent), "{counted} of {sent} claims were counted");
    ensure!(scene.asker.record().flips(begun) == 0, "who asks is answered by {} all the time", scene.owner);
    is_over(scene).await
}

/// A machine was given the address by hand, and says nothing of it unless it is asked.
pub(super) async fn a_machine_that_keeps_quiet(scene: &Scene) -> Result<()> {
    let foreigner = scene.stage.user()?;
    let (name, mac) = (foreigner.namespace.name(), foreigner.station.mac());
    let address = format!("{}/32 dev eth0", scene.v4);
    tool::ip_batch(Some(name), &[format!("addr add {address}")])?;
    let message = eventually("it is found", async || said(scene).await).await?;
    ensure!(message.contains(&mac.to_string()), "{message}");
    tool::ip_batch(Some(name), &[format!("addr del {address}")])?;
    is_over(scene).await
}
