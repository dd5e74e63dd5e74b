//! Where things are: the build's folder, the programs, the lab's own files.
//!
//! All of it follows from where the running program lies, so that a build with
//! another `CARGO_TARGET_DIR` or profile finds its own parts and writes
//! nowhere else:
//!
//! ```text
//! target/                    the folder in which cargo keeps its .rustc_info.json
//!   debug/herald-lab         this program
//!   debug/herald-speaker     a program the lab starts
//!   debug/deps/lab-1f2e…     a test that uses the lab
//!   lab/<id>/                logs, kubeconfigs and keys of one lab
//!   demo/report.json         what the demo measured
//!   tools/                   programs that `make` unpacked
//! ```

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// The folder with the built programs, for example `target/debug`.
///
/// # Errors
/// When the running program's own path cannot be read.
pub fn program_dir() -> Result<PathBuf> {
    let exe = std::env::current_exe().context("find the running program")?;
    let dir = exe.parent().unwrap_or(Path::new("/"));
    let dir = if dir.ends_with("deps") { dir.parent().unwrap_or(dir) } else { dir };
    Ok(dir.to_owned())
}

/// A built program's path.
///
/// # Errors
/// When it has not been built.
pub fn program(name: &str) -> Result<PathBuf> {
    let path = program_dir()?.join(name);
    if !path.is_file() {
        bail!("{} is not built; `cargo build --workspace --bins` builds it", path.display());
    }
    Ok(path)
}

/// Cargo's target folder.
///
/// # Errors
/// When the running program does not lie below one.
pub fn target_dir() -> Result<PathBuf> {
    let dir = program_dir()?;
    target_above(&dir).with_context(|| format!("{} is not below a cargo target folder", dir.display()))
}

/// The nearest folder above `dir` that cargo builds into. (Not every one has a `CACHEDIR.TAG`: cargo
/// writes it only into a folder that it makes itself, and `make setup` may have been there before.)
fn target_above(dir: &Path) -> Option<PathBuf> {
    let is_target = |dir: &&Path| [".rustc_info.json", "CACHEDIR.TAG"].iter().any(|name| dir.join(name).is_file());
    dir.ancestors().find(is_target).map(Path::to_owned)
}

/// The folder with one sub-folder per lab.
///
/// # Errors
/// As [`target_dir`].
pub fn labs_dir() -> Result<PathBuf> {
    Ok(target_dir()?.join("lab"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_folder_is_known_by_either_file() {
        let root = target_dir().unwrap().join(format!("lab-place-{}", std::process::id()));
        for (name, file) in [("made-by-cargo", "CACHEDIR.TAG"), ("made-before", ".rustc_info.json")] {
            let target = root.join(name);
            std::fs::create_dir_all(target.join("x86_64/debug")).unwrap();
            std::fs::write(target.join(file), "").unwrap();
            assert_eq!(target_above(&target.join("x86_64/debug")), Some(target));
        }
        std::fs::remove_dir_all(root).unwrap();
    }
}
