//! A network namespace that code can run in.
//!
//! `setns`(2) moves a *thread*, so each [`Namespace`] keeps one thread inside:
//! closures sent to it open their sockets there, and child programs it starts
//! inherit its network. A socket stays in the namespace it was opened in,
//! wherever it is used later. The thread lives as long as the last handle,
//! which matters to children that ask to die with the thread that started them
//! (see [`crate::program`]).

use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use anyhow::{Context as _, Result, anyhow};
use nix::sched::{CloneFlags, setns};

type Job = Box<dyn FnOnce() + Send>;

/// A handle on a named network namespace; clones share its thread.
#[derive(Clone, Debug)]
pub struct Namespace {
    name: Arc<str>,
    jobs: mpsc::Sender<Job>,
}

impl Namespace {
    /// Enters the namespace that `ip netns add` made.
    ///
    /// # Errors
    /// When there is no such namespace, or the caller may not enter it.
    pub fn enter(name: &str) -> Result<Self> {
        let (jobs, inbox) = mpsc::channel::<Job>();
        spawn_inside(name, name, move || {
            while let Ok(job) = inbox.recv() {
                job();
            }
        })?;
        Ok(Self { name: name.into(), jobs })
    }

    /// The name as `ip netns` prints it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs `work` on the namespace's thread and waits for its result. For
    /// short work: opening a socket, starting a child.
    ///
    /// # Errors
    /// When the work panicked.
    pub fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let (answer, result) = mpsc::sync_channel(1);
        let job = move || {
            let _ = answer.send(std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)));
        };
        self.jobs.send(Box::new(job)).map_err(|_| anyhow!("the thread in {} is gone", self.name))?;
        result
            .recv()
            .with_context(|| format!("the thread in {} is gone", self.name))?
            .map_err(|_| anyhow!("work in {} panicked", self.name))
    }

    /// Runs `work` on a thread of its own inside the namespace. For work that
    /// takes as long as it takes: probes, captures.
    ///
    /// # Errors
    /// When the namespace can no longer be entered.
    pub fn spawn<T: Send + 'static>(&self, what: &str, work: impl FnOnce() -> T + Send + 'static) -> Result<Work<T>> {
        spawn_inside(&self.name, what, work)
    }
}

/// The file that stands for a named namespace.
#[must_use]
pub fn file_of(name: &str) -> PathBuf {
    PathBuf::from("/run/netns").join(name)
}

/// Work on a thread inside a namespace.
#[derive(Debug)]
pub struct Work<T>(JoinHandle<Option<T>>);

impl<T> Work<T> {
    /// Waits for the work's result.
    ///
    /// # Errors
    /// When the work panicked.
    pub fn join(self) -> Result<T> {
        self.0
            .join()
            .map_err(|_| anyhow!("a thread in a namespace panicked"))?
            .context("the thread could not enter its namespace")
    }
}

fn spawn_inside<T: Send + 'static>(
    name: &str,
    what: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<Work<T>> {
    let file = file_of(name);
    let namespace = File::open(&file).with_context(|| format!("open {}", file.display()))?;
    let (entered, outcome) = mpsc::sync_channel(1);
    let thread = thread::Builder::new()
        .name(what.to_owned())
        .spawn(move || {
            let result = setns(&namespace, CloneFlags::CLONE_NEWNET);
            let inside = result.is_ok();
            let _ = entered.send(result);
            inside.then(work)
        })
        .context("start a thread")?;
    outcome.recv().context("the new thread died")?.with_context(|| format!("enter {}", file.display()))?;
    Ok(Work(thread))
}
