//! `make lab`: a cluster that stays up after the command has returned.
//!
//! ```text
//!  herald-lab up ──starts──► herald-lab supervise   (session of its own, holds the cluster)
//!       │                           │ writes target/lab/kept.json when ready
//!       └──waits for it, prints the KUBECONFIG line
//!  herald-lab down ──SIGTERM──► it takes everything down and ends
//! ```
//!
//! At most one cluster is kept per machine; a lock tells whether it is alive.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, setsid};
use serde::{Deserialize, Serialize};
use tokio::signal::unix::{SignalKind, signal};

use crate::cluster::pods::{self, WebPod};
use crate::cluster::{Cluster, Options, files};
use crate::lock::Lock;
use crate::topology::{leftovers, require_root};
use crate::{clock, place};

/// The lock's name, in place of a lab's id.
const KEPT: &str = "kept";

/// How long a cluster may take to come up, and to go down.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is known of the cluster that is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Kept {
    /// The lab's id.
    pub id: String,
    /// The supervisor's process id.
    pub pid: i32,
    /// When that process started, in clock ticks since boot; tells it from a
    /// later one with the same id.
    pub started: u64,
    /// The administrator's kubeconfig.
    pub kubeconfig: PathBuf,
}

/// Brings a cluster up, unless one is kept already, and tells about it.
///
/// # Errors
/// When it does not come up; with the end of the supervisor's log.
pub fn up() -> Result<Kept> {
    require_root()?;
    if Lock::lab(KEPT)?.is_none() {
        return read().context("a lab is up, but not one of this build folder; end that one first");
    }
    let log = place::labs_dir()?.join("supervisor.log");
    fs::create_dir_all(place::labs_dir()?).context("make the labs' folder")?;
    forget()?;
    let output = File::create(&log).with_context(|| format!("write {}", log.display()))?;
    let mut supervisor = Command::new(std::env::current_exe()?)
        .arg("supervise")
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .current_dir("/")
        .spawn()
        .context("start the supervisor")?;
    let deadline = clock::now() + PATIENCE;
    loop {
        if let Some(kept) = read_if_any()? {
            return Ok(kept);
        }
        if let Some(status) = supervisor.try_wait()? {
            bail!("the lab did not come up ({status}):\n{}", files::tail(&log));
        }
        if clock::now() >= deadline {
            supervisor.kill()?;
            bail!("the lab did not come up within {PATIENCE:?}:\n{}", files::tail(&log));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Holds a cluster until SIGTERM or SIGINT; the work of the background process.
///
/// # Errors
/// When the cluster does not come up.
pub async fn supervise() -> Result<()> {
    setsid().context("leave the terminal's session")?;
    let _lock = Lock::lab(KEPT)?.context("a lab is up already")?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let start = async {
        let cluster = Cluster::start(Options::default()).await?;
        for (number, node) in (1..).zip(cluster.topology().nodes()) {
            let name = format!("web-{number}");
            let web = WebPod { name: &name, namespace: "default", app: "web", node: &node.name, grace: 1 };
            pods::start(&cluster.client(), &web).await?;
        }
        let pid = std::process::id();
        let kept = Kept {
            id: cluster.topology().id().to_owned(),
            pid: i32::try_from(pid).context("a process id fits an i32")?,
            started: start_time(pid)?,
            kubeconfig: cluster.kubeconfig(),
        };
        // Renamed into place, so that nobody reads half of it.
        let new = place::labs_dir()?.join("kept.json.new");
        fs::write(&new, serde_json::to_string_pretty(&kept)?)?;
        fs::rename(&new, file()?)?;
        anyhow::Ok(cluster)
    };
    let cluster = tokio::select! {
        cluster = start => cluster?,
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    let dir = cluster.dir().to_owned();
    drop(cluster);
    forget()?;
    fs::remove_dir_all(&dir).with_context(|| format!("remove {}", dir.display()))
}

/// Takes the kept cluster down and removes every trace of it, and what killed
/// labs left; tells what was removed.
///
/// # Errors
/// When something of it stays.
pub fn down() -> Result<Vec<String>> {
    require_root()?;
    let mut removed = Vec::new();
    if let Some(kept) = read_if_any()? {
        end(&kept)?;
        forget()?;
        if let Some(dir) = kept.kubeconfig.parent().filter(|dir| dir.is_dir()) {
            fs::remove_dir_all(dir).with_context(|| format!("remove {}", dir.display()))?;
        }
        removed.push(kept.id);
    }
    let log = place::labs_dir()?.join("supervisor.log");
    if log.is_file() {
        fs::remove_file(&log).with_context(|| format!("remove {}", log.display()))?;
    }
    for id in leftovers::sweep()? {
        if !removed.contains(&id) {
            removed.push(id);
        }
    }
    Ok(removed)
}

/// Ends the supervisor, the polite way first.
fn end(kept: &Kept) -> Result<()> {
    let pid = Pid::from_raw(kept.pid);
    for (how, patience) in [(Signal::SIGTERM, PATIENCE), (Signal::SIGKILL, Duration::from_secs(5))] {
        let deadline = clock::now() + patience;
        if is_alive(kept) {
            kill(pid, how).with_context(|| format!("end the supervisor (pid {pid})"))?;
        }
        while is_alive(kept) && clock::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
        if !is_alive(kept) {
            return Ok(());
        }
    }
    bail!("the supervisor (pid {pid}) does not end")
}

/// Whether the supervisor is alive: its id, and started when it was.
fn is_alive(kept: &Kept) -> bool {
    u32::try_from(kept.pid).is_ok_and(|pid| start_time(pid).is_ok_and(|started| started == kept.started))
}

/// When a process started, in clock ticks since boot (proc(5), stat field 22);
/// an error when it is gone or a zombie.
fn start_time(pid: u32) -> Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The second field, the program's name, may hold spaces and parentheses.
    let (_, rest) = stat.rsplit_once(')').context("read /proc")?;
    let fields: Vec<_> = rest.split_whitespace().collect();
    if fields.first() == Some(&"Z") {
        bail!("the process has ended");
    }
    let field = fields.get(19).context("read /proc")?;
    field.parse().context("read /proc")
}

fn file() -> Result<PathBuf> {
    Ok(place::labs_dir()?.join("kept.json"))
}

fn read() -> Result<Kept> {
    read_if_any()?.context("no lab is kept")
}

fn read_if_any() -> Result<Option<Kept>> {
    let path = file()?;
    if !path.is_file() {
        return Ok(None);
    }
    let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    Ok(Some(serde_json::from_str(&text).with_context(|| format!("read {}", path.display()))?))
}

fn forget() -> Result<()> {
    let path = file()?;
    if path.is_file() {
        fs::remove_file(&path).with_context(|| format!("remove {}", path.display()))?;
    }
    Ok(())
}

/// The line that makes a shell's `kubectl` use the cluster.
#[must_use]
pub fn export_line(kubeconfig: &Path) -> OsString {
    let mut line = OsString::from("export KUBECONFIG=");
    line.push(kubeconfig);
    line
}
