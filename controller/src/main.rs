//! The `herald-controller` program.

use std::process::ExitCode;
use std::time::Duration;

use herald_controller::flags::Flags;
use herald_controller::metrics::Metrics;
use herald_controller::run::{Parts, run};
use herald_controller::write::Leadership;
use herald_runtime::events::EventSink;
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

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    let flags: Flags = flags::parse();
    logging::start(flags.common.log_level, flags.common.log_format);
    flags::exit(start(flags).await)
}

async fn start(Flags { common, health_bind_address }: Flags) -> anyhow::Result<()> {
    let shutdown = Shutdown::on_signals()?;
    let client = client::connect(common.kubeconfig.as_deref()).await?;

    let readiness = Readiness::new();
    readiness.missing("caches", "nothing listed yet");
    serve::health(health_bind_address, readiness.clone()).await?;
    let mut registry = Registry::default();
    let metrics = Metrics::registered(&mut registry);
    serve::metrics(common.metrics_bind_address, registry).await?;

    let instance = common.pod_name().map(str::to_owned);
    let (events, event_writer) = EventSink::start(client.clone(), COMPONENT, instance, EVENTS_PER_SECOND);
    let parts = Parts {
        events,
        readiness,
        metrics,
        // The elector will turn this gate; until then one controller runs alone.
        leadership: Leadership::alone(),
        lb_class: common.lb_class().map(str::to_owned),
        namespace: common.namespace(),
    };
    tracing::info!(namespace = parts.namespace, lb_class = parts.lb_class, "herald-controller starts");
    run(client, parts, shutdown).await;
    event_writer.flush(LAST_EVENTS).await;
    tracing::info!("herald-controller ended");
    Ok(())
}
