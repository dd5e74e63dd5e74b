//! The membership keys as a mounted Secret gives them: a folder with the file `current`, optionally `next` and
//! `previous`.
//!
//! The kubelet replaces such a folder by swapping a link, so the files are simply read again and again. That costs
//! three small reads and no notification that could be missed.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use herald_membership::KeyRing;
use herald_runtime::serve::Readiness;
use tokio::sync::watch;

/// How often the folder is read. A key counts within a second of its appearing.
const READ_INTERVAL: Duration = Duration::from_millis(500);
/// Files larger than this are no keys.
const KEY_MAX: u64 = 64 * 1024;

/// The texts of the three files.
#[derive(Clone, PartialEq, Eq)]
struct Texts {
    current: Vec<u8>,
    next: Option<Vec<u8>>,
    previous: Option<Vec<u8>>,
}

/// Reads the folder for ever; the receiver holds the newest usable keys, `None` until there are any.
///
/// What is missing or wrong makes the speaker unready and is logged once per change; the keys in use stay in use.
#[must_use]
pub fn follow(folder: PathBuf, readiness: Readiness) -> watch::Receiver<Option<KeyRing>> {
    let (newest, keys) = watch::channel(None);
    readiness.missing(MEMBERSHIP_KEY, "not read yet");
    tokio::spawn(async move {
        let mut known = None;
        let mut trouble = None;
        while !newest.is_closed() {
            match read(&folder).and_then(|texts| derive(&texts).map(|ring| (texts, ring))) {
                Ok((texts, ring)) => {
                    if known.as_ref() != Some(&texts) {
                        tracing::info!(?ring, "membership keys read");
                        known = Some(texts);
                        newest.send_replace(Some(ring));
                    }
                    readiness.there(MEMBERSHIP_KEY);
                    trouble = None;
                }
                Err(why) => {
                    if trouble.as_ref() != Some(&why) {
                        tracing::warn!("{why}");
                    }
                    // With a key in use the speaker does its job; a half-written rotation is only worth a warning.
                    if known.is_none() {
                        readiness.missing(MEMBERSHIP_KEY, why.clone());
                    }
                    trouble = Some(why);
                }
            }
            tokio::time::sleep(READ_INTERVAL).await;
        }
    });
    keys
}

const MEMBERSHIP_KEY: &str = "membership key";

fn read(folder: &Path) -> Result<Texts, String> {
    let current = read_file(&folder.join("current"))?.ok_or_else(|| {
        format!("--membership-key-dir {}: no file `current` yet; is the Secret there, with that key?", folder.display())
    })?;
    Ok(Texts { current, next: read_file(&folder.join("next"))?, previous: read_file(&folder.join("previous"))? })
}

fn read_file(path: &Path) -> Result<Option<Vec<u8>>, String> {
    let unreadable = |error| format!("--membership-key-dir: {} can't be read: {error}", path.display());
    match std::fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
        Ok(metadata) if metadata.len() > KEY_MAX => {
            return Err(format!("--membership-key-dir: {} is no key: more than {KEY_MAX} bytes", path.display()));
        }
        Ok(_) => {}
    }
    std::fs::read(path).map(Some).map_err(unreadable)
}

fn derive(texts: &Texts) -> Result<KeyRing, String> {
    KeyRing::new(&texts.current, texts.next.as_deref(), texts.previous.as_deref())
        .map_err(|error| format!("--membership-key-dir: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("herald-keys-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }
        fn write(&self, name: &str, text: &str) {
            std::fs::write(self.0.join(name), text).unwrap();
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn waits_unready_until_a_key_appears_and_takes_it_within_a_second() {
        let folder = Folder::new("wait");
        let readiness = Readiness::new();
        let mut keys = follow(folder.0.clone(), readiness.clone());
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert!(!readiness.is_ready() && keys.borrow().is_none());

        folder.write("current", "too short");
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(!readiness.is_ready(), "a key that is too short is none");

        folder.write("current", "sixteen bytes or more");
        tokio::time::timeout(Duration::from_secs(1), keys.changed()).await.expect("within 1 s").unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert!(readiness.is_ready() && keys.borrow().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_rotation_is_seen_and_a_vanished_key_stays_in_use() {
        let folder = Folder::new("rotate");
        folder.write("current", "the first key of all");
        let readiness = Readiness::new();
        let mut keys = follow(folder.0.clone(), readiness.clone());
        keys.changed().await.unwrap();
        let first = keys.borrow_and_update().clone().unwrap().current().id();

        folder.write("next", "the second key of all");
        keys.changed().await.unwrap();
        assert!(keys.borrow_and_update().clone().unwrap().next().is_some());

        folder.write("current", "the second key of all");
        keys.changed().await.unwrap();
        assert_ne!(keys.borrow_and_update().clone().unwrap().current().id(), first);

        std::fs::remove_file(folder.0.join("current")).unwrap();
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert!(readiness.is_ready() && keys.borrow().is_some(), "what is in use stays in use");
    }
}
