//! Herald's programs, started as the manifests start them.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};

use super::files;
use crate::probe::http;
use crate::program::{Invocation, Program};
use crate::tool::Tool;
use crate::topology::Machine;
use crate::{Namespace, clock, place};

/// The namespace Herald lives in.
pub const SYSTEM_NAMESPACE: &str = "metallb-system";

/// The port of `/healthz` and `/readyz` of both programs.
const HEALTH_PORT: u16 = 17472;

/// The port of `/metrics` of both programs.
const METRICS_PORT: u16 = 9120;

/// How long they may take to answer on either.
const ANSWER: Duration = Duration::from_millis(500);

/// How a program is started: what differs between the two, and what a test
/// wants to be different.
#[derive(Clone, Debug)]
pub struct Launch {
    /// `herald-controller` or `herald-speaker`.
    pub program: &'static str,
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
        let name = format!("{}@{}", self.program, machine.name);
        // As a container runtime does it: what is not in the bounding set, UID 0 does not get either.
        let mut args: Vec<OsString> = vec![
            "--inh-caps=-all".into(),
            format!("--bounding-set=-all{}", self.capabilities).into(),
            "--no-new-privs".into(),
            "--".into(),
            place::program(self.program)?.into(),
            "--kubeconfig".into(),
            self.kubeconfig.clone().into(),
            "--namespace".into(),
            SYSTEM_NAMESPACE.into(),
        ];
        args.extend(self.flags.iter().cloned());
        let log = self.logs.join(format!("{name}.log"));
        let program = Tool::Setpriv.find()?;
        Program::start(&machine.namespace, &Invocation { name, program, args, env: Vec::new(), log })
    }
}

/// Waits until a program says on `/readyz` that it is ready.
///
/// # Errors
/// When it ends, or is not ready within `patience`; with its last log lines.
pub async fn ready(program: &Program, namespace: &Namespace, patience: Duration) -> Result<()> {
    let deadline = clock::now() + patience;
    loop {
        let answer = namespace.run(|| status_of("/readyz"))?;
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
    let target = SocketAddr::from((Ipv4Addr::LOCALHOST, METRICS_PORT));
    let (_, text) = namespace.run(move || http::fetch(target, "/metrics", ANSWER))??;
    let of_this_name = |line: &&str| line.split(['{', ' ']).next() == Some(name);
    let value = |line: &str| line.rsplit(' ').next().and_then(|value| value.parse::<f64>().ok());
    Ok(text.lines().filter(of_this_name).filter_map(value).sum())
}

/// The HTTP status of a path of the program in this namespace.
fn status_of(path: &str) -> Result<u16> {
    let target = SocketAddr::from((Ipv4Addr::LOCALHOST, HEALTH_PORT));
    Ok(http::fetch(target, path, ANSWER)?.0)
}
