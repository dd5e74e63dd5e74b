//! Finds the programs the lab calls; runs `ip`(8) and `nft`(8), and says which command failed.
//!
//! The lab speaks to the kernel through those two, in batch mode: one
//! process for a whole list of commands. What they print when a list fails is
//! a line number; the errors here show the line itself.

use std::fmt;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

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
    /// `keepalived`, for comparison only.
    Keepalived,
}

impl Tool {
    /// The program's name, as typed in a shell.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Tool::Ip => "ip",
            Tool::Nft => "nft",
            Tool::Setpriv => "setpriv",
            Tool::Keepalived => "keepalived",
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
        let unpacked = crate::place::target_dir().map(|dir| dir.join("tools/usr/sbin"));
        std::env::split_paths(&path)
            .chain(["/usr/sbin", "/sbin", "/usr/bin"].map(PathBuf::from))
            .chain(unpacked.ok())
            .map(|dir| dir.join(self.name()))
            .find(|candidate| candidate.is_file())
            .with_context(|| {
                format!(
                    "the program `{}` is missing; `make setup` installs it on Debian and Ubuntu, \
                     elsewhere install iproute2, nftables and util-linux (keepalived: `make bench`)",
                    self.name()
                )
            })
    }
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
