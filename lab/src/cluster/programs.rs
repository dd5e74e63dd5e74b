//! Herald's programs, started as the manifests start them.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::files;
use crate::probe::http;
use crate::program::{Invocation, Program};
use crate::tool::Tool;
use crate::topology::Machine;
use crate::{Namespace, clock, place};

/// The namespace Herald lives in.
pub const SYSTEM_NAMESPACE: &str = "metallb-system";

/// Where a program tells how it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// `/healthz` and `/readyz`.
    pub health: u16,
    /// `/metrics`.
    pub metrics: u16,
}

/// How long they may take to answer on either.
const ANSWER: Duration = Duration::from_millis(500);

impl Default for Ports {
    /// The ports of both programs, unless flags say otherwise.
    fn default() -> Self {
        Self { health: 17472, metrics: 9120 }
    }
}

impl Ports {
    /// The ports of a program of which several run on one machine.
    ///
    /// # Errors
    /// When there are too many of them.
    pub fn of_replica(replica: usize) -> Result<Self> {
        let Self { health, metrics } = Self::default();
        let further = u16::try_from(replica).ok().filter(|number| *number < 100);
        let further = further.with_context(|| format!("no ports are left for replica {replica}"))?;
        Ok(Self { health: health + further, metrics: metrics + further })
    }

    /// The flags that make a program use them; none for the default.
    fn flags(self) -> Vec<OsString> {
        if self == Self::default() {
            return Vec::new();
        }
        let at = |flag: &str, port: u16| OsString::from(format!("--{flag}-bind-address=:{port}"));
        vec![at("health", self.health), at("metrics", self.metrics)]
    }
}

/// How a program is started: what differs between the two, and what a test
/// wants to be different.
#[derive(Clone, Debug)]
pub struct Launch {
    /// `herald-controller` or `herald-speaker`.
    pub program: &'static str,
    /// Its number, if several of them run on one machine; the first is 0.
    pub replica: usize,
    /// The capabilities it keeps, in the notation of setpriv(1) after `-all`.
    pub capabilities: &'static str,
    /// Its kubeconfig.
    pub kubeconfig: PathBuf,
    /// Further flags.
    pub flags: Vec<OsString>,
    /// The folder of the lab's logs.
    pub logs: PathBuf,
}

impl Launch {
    /// Starts the program on a machine.
    ///
    /// # Errors
    /// When it is not built or cannot be started.
    pub fn start(&self, machine: &Machine) -> Result<Program> {
        let mut name = format!("{}@{}", self.program, machine.name);
        if self.replica > 0 {
            name = format!("{name}-{}", self.replica);
        }
        // As the manifests do: root, but for the capabilities.
        let mut args: Vec<OsString> = vec![
            "--inh-caps=-all".into(),
            "--ambient-caps=-all".into(),
            format!("--bounding-set=-all{}", self.capabilities).into(),
            "--".into(),
            place::program(self.program)?.into(),
        ];
        args.extend(["--kubeconfig".into(), self.kubeconfig.clone().into()]);
        args.extend(["--namespace".into(), SYSTEM_NAMESPACE.into()]);
        args.extend(["--pod-name".into(), pod_name(self.program, machine, self.replica).into()]);
        args.extend(Ports::of_replica(self.replica)?.flags());
        args.extend(self.flags.iter().cloned());
        let log = self.logs.join(format!("{name}.log"));
        let program = Tool::Setpriv.find()?;
        Program::start(&machine.namespace, &Invocation { name, program, args, env: Vec::new(), log })
    }
}

/// The name of the Pod that a program would run in.
#[must_use]
pub fn pod_name(program: &str, machine: &Machine, replica: usize) -> String {
    format!("{program}-{}-{replica}", machine.name)
}

/// Waits until a program says on `/readyz` that it is ready.
///
/// # Errors
/// When it ends, or is not ready within `patience`; with its last log lines.
pub async fn ready(program: &Program, namespace: &Namespace, ports: Ports, patience: Duration) -> Result<()> {
    let deadline = clock::now() + patience;
    loop {
        let answer = namespace.run(move || status_of(ports, "/readyz"))?;
        if matches!(answer, Ok(200)) {
            return Ok(());
        }
        if let Some(status) = program.ended()? {
            bail!("{} ended ({status}):\n{}", program.name(), files::tail(program.log()));
        }
        if clock::now() >= deadline {
            let answer = match answer {
                Ok(code) => format!("/readyz answers {code}"),
                Err(error) => format!("/readyz does not answer ({error:#})"),
            };
            bail!(
                "{} is not ready after {patience:?}: {answer}; its log ends:\n{}",
                program.name(),
                files::tail(program.log())
            );
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// What a program exports on `/metrics`, summed over all series of one name.
///
/// # Errors
/// When it does not answer.
pub fn metric(namespace: &Namespace, name: &str) -> Result<f64> {
    metric_at(namespace, Ports::default(), name)
}

/// The same of a program with other ports.
///
/// # Errors
/// When it does not answer.
pub fn metric_at(namespace: &Namespace, ports: Ports, name: &str) -> Result<f64> {
    Ok(series(namespace, ports, name, "")?.into_iter().sum())
}

/// The values of the series of one name that have a label, as it is written: `claimant="foreign"`. All, if that is empty.
///
/// # Errors
/// When the program does not answer.
pub fn series(namespace: &Namespace, ports: Ports, name: &str, label: &str) -> Result<Vec<f64>> {
    let target = SocketAddr::from((Ipv4Addr::LOCALHOST, ports.metrics));
    let (_, text) = namespace.run(move || http::fetch(target, "/metrics", ANSWER))??;
    let wanted = |line: &&str| line.split(['{', ' ']).next() == Some(name) && line.contains(label);
    let value = |line: &str| line.rsplit(' ').next().and_then(|value| value.parse::<f64>().ok());
    Ok(text.lines().filter(wanted).filter_map(value).collect())
}

/// The HTTP status of a path of the program in this namespace.
fn status_of(ports: Ports, path: &str) -> Result<u16> {
    let target = SocketAddr::from((Ipv4Addr::LOCALHOST, ports.health));
    Ok(http::fetch(target, path, ANSWER)?.0)
}
