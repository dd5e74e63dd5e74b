//! The `herald-lab` program.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::{Parser, Subcommand};
use herald_lab::{demo, pod, program, supervisor};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// A cluster in a box for Herald.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Shows Herald's whole job on a cluster in a box.
    Demo {
        /// Where the report goes.
        #[arg(long, default_value = "target/demo/report.json")]
        report: PathBuf,
    },
    /// Brings a cluster up and leaves it up.
    Up,
    /// Takes down what `up` brought up, and what killed labs left.
    Down,
    /// Holds the cluster that `up` brought up.
    #[command(hide = true)]
    Supervise,
    /// Serves as a pod, inside a pod's network namespace.
    #[command(hide = true)]
    Pod {
        /// The pod's name.
        #[arg(long)]
        name: String,
        /// The node it runs on.
        #[arg(long)]
        node: String,
        /// The TCP and UDP port to serve.
        #[arg(long, default_value_t = 80)]
        port: u16,
    },
    /// Becomes another program that dies with the lab.
    #[command(hide = true)]
    Launch {
        /// The lab's process id.
        #[arg(long)]
        parent: i32,
        /// The program and its arguments.
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nowhere to say it if standard error is closed.
            let _ = writeln!(io::stderr(), "herald-lab: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<()> {
    match cli.verb {
        Verb::Demo { report } => {
            log_warnings();
            runtime()?.block_on(interruptible(demo::run(&report)))
        }
        Verb::Up => up(),
        Verb::Down => down(),
        Verb::Supervise => {
            log_warnings();
            runtime()?.block_on(supervisor::supervise())
        }
        Verb::Pod { name, node, port } => pod::serve(&pod::Identity { pod: name, node }, port),
        Verb::Launch { parent, command } => match program::launch(parent, &command)? {},
    }
}

fn up() -> Result<()> {
    let kept = supervisor::up()?;
    let mut terminal = io::stderr();
    writeln!(terminal, "Lab {} is up: 3 nodes, a web pod on each (app.kubernetes.io/name: web).", kept.id)?;
    writeln!(terminal, "Try: kubectl apply -f config/samples/first-steps.yaml; kubectl get svc,pods,nodes")?;
    writeln!(terminal, "See the network: ip netns exec hl-{}-client1 curl http://192.168.1.240/", kept.id)?;
    writeln!(terminal, "`make lab-down` takes it away.")?;
    let line = supervisor::export_line(&kept.kubeconfig);
    writeln!(io::stdout(), "{}", line.display())?;
    Ok(())
}

fn down() -> Result<()> {
    let removed = supervisor::down()?;
    let said = if removed.is_empty() { "no lab is up".to_owned() } else { format!("removed: {}", removed.join(", ")) };
    writeln!(io::stdout(), "{said}")?;
    Ok(())
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Runtime::new().context("start the async runtime")
}

/// Runs until done, or until SIGINT or SIGTERM; what was made is taken down.
async fn interruptible(work: impl Future<Output = Result<()>>) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        done = work => done,
        _ = terminate.recv() => bail!("terminated"),
        _ = interrupt.recv() => bail!("interrupted"),
    }
}

/// The lab's own troubles, on standard error. The client library's are left
/// out: it complains of every connection that a fault or the end of the lab cuts.
fn log_warnings() {
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_env_filter(EnvFilter::new("warn,kube_client=off"))
        .init();
}
