//! Finds the programs the lab calls; runs `ip`(8) and `nft`(8), and says which command failed.
//!
//! The lab speaks to the kernel through those two, in batch mode: one
//! process for a whole list of commands. What they print when a list fails is
//! a line number; the errors here show the line itself.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};

use crate::clock;
use crate::namespace::Namespace;

/// The programs the lab calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// `ip` from iproute2.
    Ip,
    /// `nft` from nftables.
    Nft,
    /// `setpriv` from util-linux.
    Setpriv,
    /// `unshare` from util-linux.
    Unshare,
    /// `keepalived`, for comparison only.
    Keepalived,
    /// `zebra` of FRR: the kernel's routes.
    Zebra,
    /// `bgpd` of FRR.
    Bgpd,
    /// `vtysh` of FRR: asks its daemons.
    Vtysh,
    /// `bird` of BIRD 2.
    Bird,
    /// `birdc` of BIRD 2: asks it.
    Birdc,
    /// `gobgpd` of GoBGP.
    Gobgpd,
    /// `gobgp` of GoBGP: asks it.
    Gobgp,
}

impl Tool {
    /// The program's name, as typed in a shell.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Tool::Ip => "ip",
            Tool::Nft => "nft",
            Tool::Setpriv => "setpriv",
            Tool::Unshare => "unshare",
            Tool::Keepalived => "keepalived",
            Tool::Zebra => "zebra",
            Tool::Bgpd => "bgpd",
            Tool::Vtysh => "vtysh",
            Tool::Bird => "bird",
            Tool::Birdc => "birdc",
            Tool::Gobgpd => "gobgpd",
            Tool::Gobgp => "gobgp",
        }
    }

    /// Where the program is: on the `PATH`, in the system folders a `PATH` may
    /// lack, or below `target/tools`, where `make` unpacks what the machine
    /// does not have.
    ///
    /// # Errors
    /// When it is nowhere.
    pub fn find(self) -> Result<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let unpacked = unpacked().map(|dir| ["usr/sbin", "usr/bin", "usr/lib/frr"].map(|part| dir.join(part)));
        std::env::split_paths(&path)
            .chain(["/usr/sbin", "/sbin", "/usr/bin", "/usr/lib/frr"].map(PathBuf::from))
            .chain(unpacked.into_iter().flatten())
            .map(|dir| dir.join(self.name()))
            .find(|candidate| candidate.is_file())
            .with_context(|| {
                format!(
                    "the program `{}` is missing; `make setup` gets it on Debian and Ubuntu, elsewhere install \
                     iproute2, nftables, util-linux, FRR, BIRD 2 and GoBGP (keepalived: `make bench`)",
                    self.name()
                )
            })
    }
}

/// The folder that packages were unpacked in.
fn unpacked() -> Option<PathBuf> {
    Some(crate::place::target_dir().ok()?.join("tools"))
}

/// What a program's environment needs besides: where its libraries are, if it was unpacked.
#[must_use]
pub fn environment(program: &Path) -> Vec<(String, OsString)> {
    let Some(root) = unpacked().filter(|root| program.starts_with(root)) else { return Vec::new() };
    // One folder per architecture; a machine has one, seldom two.
    let folders = ["usr/lib", "lib"].into_iter().filter_map(|lib| fs::read_dir(root.join(lib)).ok()).flatten();
    let folders = folders.filter_map(|entry| Some(entry.ok()?.path()));
    let folders = folders.filter(|path| path.to_string_lossy().ends_with("-linux-gnu"));
    let folders = folders.flat_map(|path| [path.join("frr"), path]).filter(|path| path.is_dir());
    let joined = std::env::join_paths(folders).unwrap_or_default();
    vec![("LD_LIBRARY_PATH".to_owned(), joined)]
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Runs an `ip` batch, in the named network namespace or in the host's.
///
/// # Errors
/// When `ip` is missing or refuses a line; the error quotes the line.
pub fn ip_batch(netns: Option<&str>, lines: &[String]) -> Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let mut args = Vec::new();
    if let Some(name) = netns {
        args.extend(["-n", name]);
    }
    args.extend(["-batch", "-"]);
    let mut text = lines.join("\n");
    text.push('\n');
    let place = netns.unwrap_or("the host");
    run(Tool::Ip, None, &args, &text, |said| {
        let line = said
            .lines()
            .find_map(|line| line.strip_prefix("Command failed -:"))
            .and_then(|number| number.trim().parse::<usize>().ok())
            .and_then(|number| lines.get(number.checked_sub(1)?));
        match line {
            Some(line) => format!("`ip {line}` in {place}"),
            None => format!("one of `ip {}` in {place}", lines.join("`, `ip ")),
        }
    })
}

/// Loads an nftables script in a network namespace, atomically.
///
/// # Errors
/// When `nft` is missing or refuses the script; the error holds its complaint.
pub fn nft(namespace: &Namespace, script: &str) -> Result<()> {
    let what = |_: &str| format!("`nft -f -` in {}", namespace.name());
    run(Tool::Nft, Some(namespace), &["-f", "-"], script, what)
}

/// Runs a tool in a namespace and returns what it prints.
///
/// # Errors
/// When it is missing, fails, or does not end within `patience`, after which it is killed.
pub fn ask(tool: Tool, namespace: &Namespace, args: &[&str], patience: Duration) -> Result<String> {
    /// How often it is looked at.
    const LOOK: Duration = Duration::from_millis(1);
    let program = tool.find()?;
    let what = || format!("`{tool} {}` in {}", args.join(" "), namespace.name());
    let mut command = Command::new(&program);
    command.args(args).envs(environment(&program)).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = namespace.run(move || command.spawn())?.with_context(what)?;
    // A pipe holds only so much, so both are read while it runs.
    let (said, complained) = (drain(child.stdout.take())?, drain(child.stderr.take())?);
    let deadline = clock::now() + patience;
    let status = loop {
        if let Some(status) = child.try_wait().with_context(what)? {
            break status;
        }
        if clock::now() >= deadline {
            child.kill().with_context(what)?;
            child.wait().with_context(what)?;
            bail!("{} did not end within {patience:?}", what());
        }
        thread::sleep(LOOK);
    };
    let text = |reader: thread::JoinHandle<io::Result<Vec<u8>>>| -> Result<String> {
        let bytes = reader.join().map_err(|_| anyhow!("reading from {} panicked", what()))?.with_context(what)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let (said, complained) = (text(said)?, text(complained)?);
    if !status.success() {
        bail!("{} failed ({status}): {}{}", what(), complained.trim(), said.trim());
    }
    Ok(said)
}

fn drain(pipe: Option<impl Read + Send + 'static>) -> Result<thread::JoinHandle<io::Result<Vec<u8>>>> {
    let mut pipe = pipe.context("the pipe of a child that was started with one")?;
    let read = move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    thread::Builder::new().name("pipe".to_owned()).spawn(read).context("start a thread")
}

/// Runs a tool with `input` on its standard input, in a namespace or here.
/// `what` names the failed command, given what the tool printed.
fn run(
    tool: Tool,
    namespace: Option<&Namespace>,
    args: &[&str],
    input: &str,
    what: impl Fn(&str) -> String,
) -> Result<()> {
    let program = tool.find()?;
    let mut command = Command::new(&program);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let child = match namespace {
        Some(namespace) => namespace.run(move || command.spawn())?,
        None => command.spawn(),
    };
    let mut child = child.with_context(|| format!("start {}", program.display()))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A tool that stops reading has failed; its exit status tells more
        // than the broken pipe does.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().with_context(|| format!("wait for {tool}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    bail!("{} failed ({}): {}", what(&said), output.status, said.trim());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_line_is_quoted() {
        let lines = ["netns list".to_owned(), "link set no-such-link up".to_owned()];
        let error = ip_batch(None, &lines).unwrap_err().to_string();
        assert!(error.contains("`ip link set no-such-link up` in the host"), "{error}");
    }
}
