//! Child programs of the lab.
//!
//! A child must not outlive the lab, also when the lab is killed. It is
//! therefore started through a small shim, `herald-lab launch`, which asks the
//! kernel for a signal when its parent thread dies (`PR_SET_PDEATHSIG`) and
//! then becomes the program by `exec`. The parent thread is the one of the
//! [`Namespace`], which lives as long as the lab does.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getppid};

use crate::namespace::Namespace;
use crate::{clock, place};

/// How often a child's state is looked at while something waits for it.
const LOOK: Duration = Duration::from_millis(5);

/// What to start.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// What the program is called in logs and messages.
    pub name: String,
    /// The program's file.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Additions to its environment; the lab's own is not inherited, but for `PATH`.
    pub env: Vec<(String, OsString)>,
    /// Where its output goes, appended.
    pub log: PathBuf,
}

/// A running (or ended) child program. Killed when dropped.
#[derive(Debug)]
pub struct Program {
    name: String,
    log: PathBuf,
    pid: Pid,
    child: Mutex<Child>,
    /// Keeps the thread that the child is tied to.
    _namespace: Namespace,
}

impl Program {
    /// Starts a program inside a namespace.
    ///
    /// # Errors
    /// When it or its log cannot be opened.
    pub fn start(namespace: &Namespace, invocation: &Invocation) -> Result<Self> {
        let Invocation { name, program, args, env, log } = invocation.clone();
        if let Some(dir) = log.parent() {
            fs::create_dir_all(dir).with_context(|| format!("make {}", dir.display()))?;
        }
        let output =
            File::options().create(true).append(true).open(&log).with_context(|| format!("open {}", log.display()))?;
        let mut command = Command::new(place::program("herald-lab")?);
        command
            .args(["launch", "--parent"])
            .arg(std::process::id().to_string())
            .arg("--")
            .arg(&program)
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(env)
            .stdin(Stdio::null())
            .stderr(output.try_clone()?)
            .stdout(output)
            // Ctrl-C on the terminal is for the lab, which then ends its children.
            .process_group(0);
        let child =
            namespace.run(move || command.spawn())?.with_context(|| format!("start {name} ({})", program.display()))?;
        let pid = i32::try_from(child.id()).context("a process id fits an i32")?;
        Ok(Self { name, log, pid: Pid::from_raw(pid), child: Mutex::new(child), _namespace: namespace.clone() })
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid.as_raw()
    }

    /// The file with its output.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Sends a signal, if it still runs.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        // Under the lock nobody else reaps it, so the number is still its own.
        let mut child = self.child();
        if child.try_wait().context("look at a child")?.is_none() {
            kill(self.pid, signal).with_context(|| format!("send {signal} to {}", self.name))?;
        }
        Ok(())
    }

    /// How it ended, or `None` while it runs.
    ///
    /// # Errors
    /// When the kernel refuses to say.
    pub fn ended(&self) -> Result<Option<ExitStatus>> {
        self.child().try_wait().with_context(|| format!("look at {}", self.name))
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it still runs after `patience`.
    pub fn wait(&self, patience: Duration) -> Result<ExitStatus> {
        let deadline = clock::now() + patience;
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            if clock::now() >= deadline {
                bail!("{} (pid {}) still runs after {patience:?}", self.name, self.pid);
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Ends it the polite way: SIGTERM, and SIGKILL if it does not end within
    /// `patience`, which is an error.
    ///
    /// # Errors
    /// When it had to be killed.
    pub fn terminate(&self, patience: Duration) -> Result<ExitStatus> {
        self.signal(Signal::SIGTERM)?;
        let ended = self.wait(patience);
        if ended.is_err() {
            self.kill()?;
        }
        ended
    }

    /// Kills it at once and reaps it.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn kill(&self) -> Result<()> {
        let mut child = self.child();
        child.kill().with_context(|| format!("kill {}", self.name))?;
        child.wait().with_context(|| format!("reap {}", self.name))?;
        Ok(())
    }

    /// Its resident memory in bytes (`VmRSS`), as the kernel counts it now.
    ///
    /// # Errors
    /// When it has ended.
    pub fn resident_bytes(&self) -> Result<u64> {
        let kib = self.status("VmRSS:")?;
        kib.strip_suffix(" kB")
            .and_then(|kib| kib.parse::<u64>().ok())
            .map(|kib| kib * 1024)
            .with_context(|| format!("{} has no memory; it has ended", self.name))
    }

    /// How many threads it has.
    ///
    /// # Errors
    /// When it has ended.
    pub fn threads(&self) -> Result<usize> {
        self.status("Threads:")?.parse().context("a number of threads")
    }

    /// The processor time it has used, to a hundredth of a second.
    ///
    /// # Errors
    /// When it has ended.
    pub fn cpu_time(&self) -> Result<Duration> {
        /// `USER_HZ`, part of the kernel's interface.
        const TICKS_PER_SECOND: u64 = 100;
        let path = format!("/proc/{}/stat", self.pid);
        let stat = fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
        // The name may hold anything but ends with the last parenthesis; utime and stime are the
        // 12th and 13th fields after it.
        let (_, fields) = stat.rsplit_once(')').with_context(|| format!("{path} has no name"))?;
        let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>).sum::<Result<u64, _>>();
        Ok(Duration::from_millis(ticks.with_context(|| format!("read {path}"))? * 1000 / TICKS_PER_SECOND))
    }

    /// A line of its status.
    fn status(&self, name: &str) -> Result<String> {
        let path = format!("/proc/{}/status", self.pid);
        let status = fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.map(|value| value.trim().to_owned()).with_context(|| format!("{path} has no line {name}"))
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Err(error) = self.kill() {
            tracing::warn!("{error:#}");
        }
    }
}

/// The shim's work: arranges to die with the parent, then becomes the program.
///
/// # Errors
/// Always, if it returns: the program could not be executed, or the parent
/// died before it could be tied to it.
pub fn launch(parent: i32, command: &[OsString]) -> Result<std::convert::Infallible> {
    set_pdeathsig(Signal::SIGKILL).context("tie this process to its parent")?;
    if getppid() != Pid::from_raw(parent) {
        bail!("the lab ended while starting this program");
    }
    let (program, args) = command.split_first().context("no program to launch")?;
    let error = Command::new(program).args(args).exec();
    Err(error).with_context(|| format!("execute {}", Path::new(program).display()))
}
