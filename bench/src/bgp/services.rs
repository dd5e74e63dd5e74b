//! `bgp_start_N`, `bgp_status_to_update_N`: the real speaker among N Services.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Result;
use futures::{StreamExt as _, TryStreamExt as _};
use herald_lab::clock;
use herald_lab::cluster::{Cluster, Options};
use herald_lab::prefix::Family;
use herald_lab::router::Router;
use herald_lab::topology::Size;
use herald_tests::crowd::{self, Crowd, IN_FLIGHT};
use herald_tests::witness::Witness;

use super::announcer;
use super::sink::{self, Manner, Session, Sink};
use super::site::{cpu_time, mib};
use crate::layer2::slice;
use crate::measurement::{Measurement, rounded};
use crate::quantile::{Quantiles, ms};

/// How many Services there are.
pub const SIZES: [usize; 3] = [10, 1000, 5000];

/// The only node.
const NODE: &str = "node1";

/// How often one more is created.
const ROUNDS: usize = 50;

/// How long the Services may take to be there.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long the speaker has nothing to do before it is measured.
const REST: Duration = Duration::from_secs(3);

/// Seconds, and seconds of processor time, from the speaker's start.
const fn start_budgets(size: usize) -> (f64, f64) {
    if size <= 1000 { (1.0, 0.5) } else { (2.0, 1.5) }
}

/// From the address in the status to the UPDATE, in milliseconds.
const UPDATE_BUDGET: f64 = 10.0;

/// Measures.
///
/// # Errors
/// When something could not be measured.
pub async fn measure(size: usize) -> Result<Vec<Measurement>> {
    let machines = Size { nodes: 1, clients: 0 };
    let mut cluster = Cluster::start(Options { size: machines, ..Options::default() }).await?;
    let router = Router::attach(cluster.topology(), 1)?;
    let address = SocketAddr::new(router.address(Family::V4), 179);
    let sink = Sink::listen(&router.machine().namespace, address, Manner::PLAIN)?;
    sink.receive();
    let client = cluster.client();
    let witness = Witness::start(client.clone(), PATIENCE).await?;
    cluster.apply(&crowd::pool("scale", &["10.128.0.0/16"], true)).await?;
    cluster.apply(&peer(address)).await?;
    cluster.apply(ADVERTISEMENT).await?;
    crowd::namespace(&client, "scale").await?;
    let crowd = Crowd::new("scale");
    crowd.create(&client, 0..size).await?;
    let slices = futures::stream::iter(0..size + ROUNDS).map(|number| slice(&client, &crowd, number));
    slices.buffer_unordered(IN_FLIGHT).try_collect::<()>().await?;
    witness.all_served("scale", size, PATIENCE).await?;
    tokio::task::block_in_place(|| at(&sink, size))?;
    tokio::time::sleep(REST).await;

    // Its end ends its session; what connects next is its successor.
    cluster.speaker(NODE)?.kill()?;
    sink.receive();
    let begun = clock::now();
    cluster.start_speaker(NODE)?;
    let last = tokio::task::block_in_place(|| at(&sink, size))?;
    let spent = cpu_time(cluster.speaker(NODE)?)?;
    cluster.speaker_ready(NODE).await?;
    tokio::time::sleep(REST).await;
    let memory = mib(cluster.speaker(NODE)?)?;

    let (mut told, mut created) = (Vec::new(), Vec::new());
    for number in size..size + ROUNDS {
        let begun = clock::now();
        crowd.create_one(&client, number).await?;
        let shown = witness.served("scale", &crowd.name(number), PATIENCE).await?;
        let update = tokio::task::block_in_place(|| at(&sink, number + 1))?;
        told.push(update.saturating_duration_since(shown));
        created.push(update.saturating_duration_since(begun));
    }
    let (told, created) = (Quantiles::of(told), Quantiles::of(created));
    let (seconds, cpu_seconds) = start_budgets(size);
    Ok(vec![
        Measurement::told(format!("bgp_start_{size}"), (last - begun).as_secs_f64(), "s").should_be_at_most(seconds),
        Measurement::told(format!("bgp_start_{size}_cpu"), spent.as_secs_f64(), "CPU-s")
            .should_be_at_most(cpu_seconds)
            .with("mib_at_rest", rounded(memory)),
        Measurement::told(format!("bgp_status_to_update_{size}"), told.percentile(99), "ms")
            .should_be_at_most(UPDATE_BUDGET)
            .with("p50_ms", told.percentile(50))
            .with("created_to_update_p50_ms", created.percentile(50))
            .with("created_to_update_p99_ms", rounded(created.percentile(99)))
            .with("start_ms", ms(last - begun)),
    ])
}

/// When so many prefixes were announced.
fn at(sink: &Sink, count: usize) -> Result<Instant> {
    let arrival = |session: &Session| session.arrivals.iter().find(|one| one.announced >= count).map(|one| one.at);
    sink.wait(&format!("{count} prefixes"), PATIENCE, arrival)
}

const ADVERTISEMENT: &str = "{apiVersion: metallb.io/v1beta1, kind: BGPAdvertisement, \
                             metadata: {name: scale, namespace: metallb-system}}";

fn peer(address: SocketAddr) -> String {
    format!(
        "{{apiVersion: metallb.io/v1beta2, kind: BGPPeer, metadata: {{name: sink, namespace: metallb-system}}, \
         spec: {{myASN: {}, peerASN: {}, peerAddress: {}}}}}",
        announcer::ASN,
        sink::ASN,
        address.ip()
    )
}
