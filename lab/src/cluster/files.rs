//! The files of one lab, below `target/lab/<id>/`.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::place;

/// How many ended labs' folders are kept to look at.
const KEPT: usize = 5;

/// Makes the folder of the lab `id`, and removes the oldest ones.
///
/// # Errors
/// When the folder cannot be made.
pub fn make_dir(id: &str) -> Result<PathBuf> {
    let labs = place::labs_dir()?;
    forget_old(&labs, id);
    let dir = labs.join(id);
    if dir.exists() {
        fs::remove_dir_all(&dir).with_context(|| format!("remove {}", dir.display()))?;
    }
    fs::create_dir_all(&dir).with_context(|| format!("make {}", dir.display()))?;
    Ok(dir)
}

/// Removes the folders of ended labs but for the newest few.
fn forget_old(labs: &Path, except: &str) {
    let Ok(entries) = fs::read_dir(labs) else { return };
    let mut old: Vec<_> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name() != except)
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry)))
        .collect();
    old.sort_by_key(|(modified, _)| std::cmp::Reverse(*modified));
    for (_, entry) in old.into_iter().skip(KEPT) {
        // Locked while its lab lives; what cannot be removed stays.
        let id = entry.file_name().to_string_lossy().into_owned();
        if matches!(crate::lock::Lock::lab(&id), Ok(Some(_))) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Writes a file that only its owner can read.
///
/// # Errors
/// When it cannot be written.
pub fn write_secret(path: &Path, text: &str) -> Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir).with_context(|| format!("make {}", dir.display()))?;
    }
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("write {}", path.display()))
}

/// `N` random bytes as hexadecimal text.
///
/// # Errors
/// When the kernel has no randomness.
pub fn random_hex<const N: usize>() -> Result<String> {
    let mut bytes = [0; N];
    File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)).context("read /dev/urandom")?;
    let mut text = String::with_capacity(2 * N);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}

/// The last lines of a log, for error messages.
#[must_use]
pub fn tail(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    let skipped = lines.len().saturating_sub(20);
    lines.get(skipped..).unwrap_or_default().join("\n")
}
