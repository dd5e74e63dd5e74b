//! `create_to_first_answer`: a Service is created, and somebody on the LAN asks for its address.

use std::time::Duration;

use anyhow::Result;
use herald_lab::clock;
use herald_lab::probe::NeighborProbe;
use herald_tests::PATIENCE;
use herald_tests::layer2::{Arena, Family, Setup};
use k8s_openapi::api::core::v1::Service;
use kube::Api;
use kube::api::{DeleteParams, PostParams};
use serde_json::json;

use crate::measurement::Measurement;
use crate::quantile::Quantiles;

/// How often.
const ROUNDS: usize = 20;

/// In milliseconds.
const BUDGET: f64 = 20.0;

/// The address that the Services ask for.
const ADDRESS: &str = "192.168.1.249";

/// How long nobody must answer for the address before it is given out again.
const QUIET: Duration = Duration::from_millis(300);

/// Time between two questions.
const ASK_EVERY: Duration = Duration::from_millis(1);

/// Measures.
pub async fn measure() -> Result<Vec<Measurement>> {
    let arena = Arena::set_up(Setup::new(3, Family::IPv4)).await?;
    let services: Api<Service> = Api::default_namespaced(arena.cluster.client());
    let service: Service = serde_json::from_value(json!({
        "metadata": {"name": "asked", "annotations": {"metallb.io/loadBalancerIPs": ADDRESS}},
        "spec": {
            "type": "LoadBalancer",
            "externalTrafficPolicy": "Local",
            "selector": {"app.kubernetes.io/name": "arena"},
            "ports": [{"port": 80}],
        },
    }))?;
    let mut waits = Vec::new();
    for _ in 0..ROUNDS {
        let asker =
            NeighborProbe::start_every(arena.ground().asker()?, ADDRESS.parse::<std::net::IpAddr>()?, ASK_EVERY)?;
        let begun = clock::now();
        services.create(&PostParams::default(), &service).await?;
        let answer = tokio::task::block_in_place(|| asker.wait_for(begun, PATIENCE, |_| true))?;
        waits.push(answer.at - begun);
        services.delete("asked", &DeleteParams::default()).await?;
        quiet(&asker).await?;
    }
    let waits = Quantiles::of(waits);
    Ok(vec![
        Measurement::told("create_to_first_answer", waits.percentile(50), "ms")
            .should_be_at_most(BUDGET)
            .with("p95_ms", waits.percentile(95))
            .with("worst_ms", waits.percentile(100))
            .with("rounds", ROUNDS),
    ])
}

/// Waits until nobody answers any more.
async fn quiet(asker: &NeighborProbe) -> Result<()> {
    let deadline = clock::now() + PATIENCE;
    loop {
        let since = clock::now();
        tokio::time::sleep(QUIET).await;
        if asker.record().first_answer(since).is_none() {
            return Ok(());
        }
        anyhow::ensure!(clock::now() < deadline, "{ADDRESS} is still announced after its Service was deleted");
    }
}
