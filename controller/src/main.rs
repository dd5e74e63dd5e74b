//! The `herald-controller` program.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::process::ExitCode;
use std::time::Duration;

use herald_controller::flags::Flags;
use herald_controller::lead::Candidate;
use herald_controller::metrics::Metrics;
use herald_controller::run::{Parts, run};
use herald_runtime::events::EventSink;
use herald_runtime::flags::CommonFlags;
use herald_runtime::serve::{self, Readiness};
use herald_runtime::shutdown::Shutdown;
use herald_runtime::{client, flags, logging};
use prometheus_client::registry::Registry;

/// Name under which Events are reported; dashboards look for it.
const COMPONENT: &str = "metallb-controller";
/// Events a second, at most.
const EVENTS_PER_SECOND: u32 = 50;
/// How long the last Events may take.
const LAST_EVENTS: Duration = Duration::from_secs(5);

// One thread does it all: what takes time is the API server, and each further thread would keep memory of its own.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let flags: Flags = flags::parse();
    logging::start(flags.common.log_level, flags.common.log_format);
    flags::exit(start(flags).await)
}

/// A name that no other replica has, nor this one had before a restart.
fn identity(common: &CommonFlags) -> String {
    let random = RandomState::new().build_hasher().finish();
    format!("{}_{random:016x}", common.pod_name().unwrap_or("herald-controller"))
}

async fn start(flags: Flags) -> anyhow::Result<()> {
    let timing = flags.timing().map_err(anyhow::Error::msg)?;
    let Flags { common, health_bind_address, .. } = flags;
    let shutdown = Shutdown::on_signals()?;
    let client = client::connect(common.kubeconfig.as_deref()).await?;

    let readiness = Readiness::new();
    readiness.missing("caches", "nothing listed yet");
    serve::health(health_bind_address, readiness.clone()).await?;
    let mut registry = Registry::default();
    let metrics = Metrics::registered(&mut registry);
    serve::metrics(common.metrics_bind_address, registry).await?;

    let (candidate, leadership) = Candidate::new(client.clone(), &common.namespace(), identity(&common), timing);
    let (end_candidate, candidate_ends) = Shutdown::pair();
    let candidate = tokio::spawn(candidate.run(candidate_ends));

    let instance = common.pod_name().map(str::to_owned);
    let (events, event_writer) = EventSink::start(client.clone(), COMPONENT, instance, EVENTS_PER_SECOND);
    let parts = Parts {
        events,
        readiness,
        metrics,
        leadership,
        lb_class: common.lb_class().map(str::to_owned),
        namespace: common.namespace(),
    };
    tracing::info!(namespace = parts.namespace, lb_class = parts.lb_class, "herald-controller starts");
    run(client, parts, shutdown).await;
    // Nothing is under way any more, so that another may lead now.
    end_candidate.request();
    if candidate.await.is_err() {
        tracing::error!("leader election ended abnormally");
    }
    event_writer.flush(LAST_EVENTS).await;
    tracing::info!("herald-controller ended");
    Ok(())
}
