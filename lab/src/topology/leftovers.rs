//! Removes what a killed run left behind.
//!
//! A lab's traces on the machine are its namespaces (`hl-<id>-…`) and the
//! processes inside them. A lab is alive while some process holds its lock
//! ([`crate::lock`]); every other `hl-…` namespace is a leftover. A process
//! belongs to a lab when its network *is* one of the lab's namespaces (same
//! inode), so nothing is ever killed by its name or by a remembered number.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::os::linux::fs::MetadataExt as _;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::lock::Lock;
use crate::{namespace, tool};

/// How long a killed process may take to be gone.
const DEATH: Duration = Duration::from_secs(5);

/// Removes the namespaces and processes of every lab that nobody holds, and
/// returns their ids.
///
/// # Errors
/// When something of them cannot be removed.
pub fn sweep() -> Result<Vec<String>> {
    let mut swept = Vec::new();
    for id in ids()? {
        // Held until the removal is done, so that two sweeps do not meet.
        let Some(_lock) = Lock::lab(&id)? else { continue };
        remove(&namespaces_of(&id)?)?;
        swept.push(id);
    }
    Ok(swept)
}

/// The ids of all labs that have namespaces, alive or not.
///
/// # Errors
/// When the list of namespaces cannot be read.
pub fn ids() -> Result<BTreeSet<String>> {
    let ids = all_namespaces()?
        .iter()
        .filter_map(|name| name.strip_prefix("hl-")?.split_once('-'))
        .map(|(id, _)| id.to_owned())
        .collect();
    Ok(ids)
}

/// The namespaces of one lab.
///
/// # Errors
/// When the list of namespaces cannot be read.
pub fn namespaces_of(id: &str) -> Result<Vec<String>> {
    let prefix = format!("hl-{id}-");
    let mut names = all_namespaces()?;
    names.retain(|name| name.starts_with(&prefix));
    Ok(names)
}

/// The processes whose network is one of the named namespaces.
///
/// # Errors
/// When `/proc` cannot be read.
pub fn processes_in(names: &[String]) -> Result<Vec<Pid>> {
    let inodes: BTreeSet<_> = names
        .iter()
        .filter_map(|name| fs::metadata(namespace::file_of(name)).ok())
        .map(|file| (file.st_dev(), file.st_ino()))
        .collect();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").context("list processes")? {
        let Ok(entry) = entry else { continue };
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // Gone in the meantime: not ours to remove any more.
        let Ok(network) = fs::metadata(entry.path().join("ns/net")) else { continue };
        if inodes.contains(&(network.st_dev(), network.st_ino())) {
            found.push(Pid::from_raw(pid));
        }
    }
    Ok(found)
}

/// Kills what runs in the named namespaces, and removes them.
///
/// # Errors
/// When a process does not die, or a namespace cannot be removed.
pub fn remove(names: &[String]) -> Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    let deadline = crate::clock::now() + DEATH;
    loop {
        let alive = processes_in(names)?;
        if alive.is_empty() {
            break;
        }
        if crate::clock::now() >= deadline {
            bail!("processes {alive:?} in the lab's namespaces do not die");
        }
        for pid in alive {
            // It may have ended by itself since we looked.
            let _ = kill(pid, Signal::SIGKILL);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let lines: Vec<_> = names.iter().map(|name| format!("netns del {name}")).collect();
    tool::ip_batch(None, &lines)
}

fn all_namespaces() -> Result<Vec<String>> {
    let entries = match fs::read_dir("/run/netns") {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).context("list /run/netns"),
    };
    let mut names: Vec<_> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with("hl-"))
        .collect();
    names.sort();
    Ok(names)
}
