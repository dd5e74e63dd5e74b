//! Interfaces that must not take part in layer 2, by name: the list of MetalLB's ConfigMap `metallb-excludel2`.
//!
//! ```yaml
//! announcedInterfacesToExclude:
//! - ^docker.*
//! - ^veth.*
//! ```
//!
//! Each line is a regular expression that is looked for anywhere in the name. Where there is no file, the default list
//! holds. The file is read again and again, because the kubelet replaces it by swapping a link; a change counts within
//! [`READ_INTERVAL`].

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use regex::{RegexSet, RegexSetBuilder};
use serde::Deserialize;
use tokio::sync::watch;

/// How often the file is read.
pub const READ_INTERVAL: Duration = Duration::from_secs(5);

/// Files larger than this are no such list.
const FILE_MAX: u64 = 64 * 1024;
/// What a compiled list may take in memory: the regex crate's default is ten times as much.
const SIZE_MAX: usize = 1024 * 1024;

/// MetalLB's default list.
pub const DEFAULT: [&str; 14] = [
    "^docker.*",
    "^cbr.*",
    "^dummy.*",
    "^virbr.*",
    "^lxcbr.*",
    "^veth.*",
    "^lo$",
    "^cali.*",
    "^tunl.*",
    "^flannel.*",
    "^kube-ipvs.*",
    "^cni.*",
    "^nodelocaldns.*",
    "^lxc.*",
];

/// Names that are excluded.
#[derive(Debug, Clone)]
pub struct Exclude {
    patterns: Vec<String>,
    set: RegexSet,
}

impl PartialEq for Exclude {
    fn eq(&self, other: &Self) -> bool {
        self.patterns == other.patterns
    }
}

impl Eq for Exclude {}

impl Default for Exclude {
    fn default() -> Self {
        let (list, _) = Self::new(DEFAULT.map(str::to_owned));
        list
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "announcedInterfacesToExclude", default)]
    exclude: Vec<String>,
}

impl Exclude {
    /// A list of these patterns. Those that are no regular expressions are left out and returned, each with the reason.
    pub fn new(patterns: impl IntoIterator<Item = String>) -> (Self, Vec<String>) {
        let mut wrong = Vec::new();
        let mut patterns: Vec<String> = patterns.into_iter().collect();
        patterns.retain(|pattern| match RegexSetBuilder::new([pattern]).size_limit(SIZE_MAX).build() {
            Ok(_) => true,
            Err(error) => {
                let reason = error.to_string();
                // The reason quotes the pattern over several lines; the last one says what is wrong.
                wrong.push(format!("{pattern:?}: {}", reason.lines().last().unwrap_or("not a regular expression")));
                false
            }
        });
        let set = RegexSetBuilder::new(&patterns).size_limit(SIZE_MAX).build().unwrap_or_else(|error| {
            wrong.push(format!("the whole list: {error}"));
            RegexSet::empty()
        });
        (Self { patterns, set }, wrong)
    }

    /// Reads the ConfigMap's text. Also returns what is wrong with single patterns, which are left out.
    ///
    /// # Errors
    /// One line that says what is wrong with the text as a whole.
    pub fn parse(text: &str) -> Result<(Self, Vec<String>), String> {
        let file: Option<File> = serde_saphyr::from_str(text)
            .map_err(|error| format!("not a list `announcedInterfacesToExclude` in YAML: {}", first_line(&error)))?;
        Ok(Self::new(file.map(|file| file.exclude).unwrap_or_default()))
    }

    /// Whether an interface of this name must not take part.
    #[must_use]
    pub fn contains(&self, interface: &str) -> bool {
        self.set.is_match(interface)
    }

    /// The patterns, as they are written.
    #[must_use]
    pub fn patterns(&self) -> &[String] {
        &self.patterns
    }
}

fn first_line(error: &impl ToString) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

/// Reads the file for ever; the receiver holds the list in use. Without a file: the default list. While the file can't be
/// read as a list, what was in use stays in use. What is wrong is logged once per change.
#[must_use]
pub fn follow(path: Option<PathBuf>) -> watch::Receiver<Exclude> {
    let (newest, list) = watch::channel(Exclude::default());
    tokio::spawn(async move {
        let Some(path) = path else {
            // Kept open for as long as somebody listens: a closed channel would look like a change.
            return newest.closed().await;
        };
        let mut known = None;
        while !newest.is_closed() {
            let text = read(&path);
            if known.as_ref() != Some(&text) {
                apply(&path, &text, &newest);
                known = Some(text);
            }
            tokio::select! {
                () = tokio::time::sleep(READ_INTERVAL) => {}
                () = newest.closed() => {}
            }
        }
    });
    list
}

fn apply(path: &Path, text: &Result<Option<String>, String>, newest: &watch::Sender<Exclude>) {
    let path = path.display();
    let list = match text {
        Ok(Some(text)) => match Exclude::parse(text) {
            Ok((list, wrong)) => {
                for wrong in wrong {
                    tracing::warn!("{path}: left out {wrong}; it is a list of regular expressions");
                }
                list
            }
            Err(why) => return tracing::warn!("{path}: {why}; the list of before stays in use"),
        },
        Ok(None) => {
            tracing::info!("{path}: no such file, MetalLB's default list of interfaces to exclude is used");
            Exclude::default()
        }
        Err(why) => return tracing::warn!("{path}: {why}; the list of before stays in use"),
    };
    newest.send_if_modified(|known| {
        let changed = *known != list;
        if changed {
            tracing::info!("interfaces excluded from layer 2: {}", list.patterns.join(" "));
            *known = list;
        }
        changed
    });
}

fn read(path: &Path) -> Result<Option<String>, String> {
    match std::fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("can't be read: {error}")),
        Ok(metadata) if metadata.len() > FILE_MAX => {
            return Err(format!("more than {FILE_MAX} bytes, that is no list"));
        }
        Ok(_) => {}
    }
    std::fs::read_to_string(path).map(Some).map_err(|error| format!("can't be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_list_is_metallbs() {
        let list = Exclude::default();
        for name in ["lo", "veth12", "docker0", "cali1", "lxc9", "cni0", "kube-ipvs0", "dummy0", "tunl0", "lxcbr0"] {
            assert!(list.contains(name), "{name}");
        }
        for name in ["lo1", "eth0", "br0", "bond0", "eth0.100", "myveth"] {
            assert!(!list.contains(name), "{name}");
        }
    }

    #[test]
    fn what_people_write_is_read() {
        for text in [
            "announcedInterfacesToExclude:\n- ^docker.*\n- wlan\n",
            "announcedInterfacesToExclude: [\"^docker.*\", \"wlan\"]\n",
            "announcedInterfacesToExclude:\n  - '^docker.*'\n  - \"wlan\" # radio\n",
        ] {
            let (list, wrong) = Exclude::parse(text).unwrap();
            assert_eq!((list.patterns(), wrong.len()), (&["^docker.*".to_owned(), "wlan".to_owned()][..], 0), "{text}");
            assert!(list.contains("docker0") && list.contains("mywlan0"), "patterns are not anchored");
            assert!(!list.contains("veth0"), "the file replaces the default list");
        }
        for empty in ["announcedInterfacesToExclude: []", "{}", ""] {
            let (list, wrong) = Exclude::parse(empty).unwrap();
            assert!(!list.contains("docker0") && wrong.is_empty(), "{empty:?}");
        }
    }

    #[test]
    fn one_wrong_pattern_is_left_out_alone() {
        let (list, wrong) =
            Exclude::parse("announcedInterfacesToExclude: ['^docker.*', '(', 'x{1000}{1000}{1000}']").unwrap();
        assert!(list.contains("docker0"));
        assert_eq!(wrong.len(), 2, "{wrong:?}");
        assert!(wrong[0].starts_with("\"(\":"), "{wrong:?}");
        assert!(wrong.iter().all(|line| !line.contains('\n')));
    }

    #[test]
    fn what_is_no_list_is_refused_in_one_line() {
        for text in ["announcedInterfacesToExclude: 7", "- a\n- b", "exclude: []", "\t:", "a: &a [*a]"] {
            let error = Exclude::parse(text).unwrap_err();
            assert!(error.contains("announcedInterfacesToExclude") && !error.contains('\n'), "{error}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_file_is_followed_and_a_bad_one_changes_nothing() {
        let path = std::env::temp_dir().join(format!("herald-exclude-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let mut list = follow(Some(path.clone()));
        assert!(list.borrow_and_update().contains("docker0"));
        std::fs::write(&path, "announcedInterfacesToExclude: [wlan]").unwrap();
        list.changed().await.unwrap();
        assert!(list.borrow_and_update().contains("wlan0") && !list.borrow().contains("docker0"));
        std::fs::write(&path, "announcedInterfacesToExclude: 7").unwrap();
        tokio::time::sleep(READ_INTERVAL * 3).await;
        assert!(!list.has_changed().unwrap());
        std::fs::remove_file(&path).unwrap();
        list.changed().await.unwrap();
        assert_eq!(*list.borrow_and_update(), Exclude::default());
    }
}
