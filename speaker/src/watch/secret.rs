//! Secrets with passwords for BGP peers: only those that are referred to, each by its name.
//!
//! ```text
//!   names (of the BGPPeers that select this node) ──► follow(): one watch each ──► (name, password or what is wrong)
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::pin::pin;

use futures::StreamExt as _;
use k8s_openapi::api::core::v1;
use kube::runtime::watcher::Config;
use kube::{Api, Client};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};

use herald_compiler::object::Password;
use herald_runtime::watch::{Change, changes};

/// The type that such a Secret has.
const TYPE: &str = "kubernetes.io/basic-auth";

/// The key that holds the password.
const KEY: &str = "password";

/// Secrets watched at a time: each is a request that stays open.
pub const MOST: usize = 64;

/// A Secret: its password, or what is wrong with it.
pub type SecretSeen = Result<Password, SecretTrouble>;

/// What is wrong with a Secret. In words that follow its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SecretTrouble {
    /// There is none of that name.
    #[default]
    Missing,
    /// It has this type.
    Type(String),
    /// It has no key `password`, or an empty one.
    NoPassword,
    /// Its password has this many bytes: more than TCP MD5 takes.
    TooLong(usize),
    /// Its password is no text.
    NotText,
    /// It can't be read, for this reason.
    Unreadable(String),
    /// There are more Secrets than are watched.
    TooMany,
}

impl fmt::Display for SecretTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => {
                write!(f, "does not exist in Herald's namespace: create it there with type {TYPE} and the key {KEY}")
            }
            Self::Type(found) => write!(f, "has type {found}: it must be {TYPE}; delete it and create it anew"),
            Self::NoPassword => write!(f, "has no {KEY}: add that key"),
            Self::TooLong(length) => {
                write!(
                    f,
                    "has a {KEY} of {length} bytes: TCP MD5 takes at most {}, write a shorter one",
                    herald_sys::tcp::KEY_MAX
                )
            }
            Self::NotText => write!(f, "has a {KEY} that is not UTF-8 text: write one that is"),
            Self::Unreadable(why) => write!(f, "can't be read: {why}"),
            Self::TooMany => write!(f, "is one of more than {MOST} on this node: let BGPPeers share Secrets"),
        }
    }
}

/// Watches the Secrets of these names, as the names change, until nobody wants to hear of them any more.
///
/// What is wrong with the watch itself is told only of Secrets that were never read. Names beyond [`MOST`] are told to be
/// too many.
pub fn follow<T: Send + 'static>(
    client: &Client,
    namespace: &str,
    mut names: watch::Receiver<BTreeSet<String>>,
    wrap: fn(String, SecretSeen) -> T,
    to: &mpsc::Sender<T>,
) {
    let api: Api<v1::Secret> = Api::namespaced(client.clone(), namespace);
    let to = to.clone();
    tokio::spawn(async move {
        let mut watches = JoinSet::new();
        let mut running: BTreeMap<String, AbortHandle> = BTreeMap::new();
        let mut refused = BTreeSet::new();
        loop {
            let wanted = names.borrow_and_update().clone();
            running.retain(|name, task| {
                wanted.contains(name) || {
                    task.abort();
                    false
                }
            });
            refused.retain(|name| wanted.contains(name));
            for name in wanted {
                if running.contains_key(&name) {
                    continue;
                }
                if running.len() < MOST {
                    refused.remove(&name);
                    let task = one(api.clone(), name.clone(), wrap, to.clone());
                    running.insert(name, watches.spawn(task));
                } else if refused.insert(name.clone())
                    && to.send(wrap(name, Err(SecretTrouble::TooMany))).await.is_err()
                {
                    return;
                }
            }
            while watches.try_join_next().is_some() {}
            tokio::select! {
                changed = names.changed() => if changed.is_err() { return },
                () = to.closed() => return,
            }
        }
    });
}

async fn one<T>(api: Api<v1::Secret>, name: String, wrap: fn(String, SecretSeen) -> T, to: mpsc::Sender<T>) {
    let config = Config::default().fields(&format!("metadata.name={name}"));
    let mut changes = pin!(changes(api, config, |secret: v1::Secret| read(&secret)));
    let mut known = false;
    while let Some(change) = changes.next().await {
        let seen = match change {
            Change::Reset(all) => all.into_iter().next().unwrap_or(Err(SecretTrouble::Missing)),
            Change::Applied(seen) => seen,
            Change::Deleted(_) => Err(SecretTrouble::Missing),
            Change::Broken(_) if known => continue,
            Change::Broken(why) => {
                // Not yet known: told, but the next word counts as the first.
                if to.send(wrap(name.clone(), Err(SecretTrouble::Unreadable(why)))).await.is_err() {
                    return;
                }
                continue;
            }
        };
        known = true;
        if to.send(wrap(name.clone(), seen)).await.is_err() {
            return;
        }
    }
}

/// Reads a Secret.
///
/// # Errors
/// What is wrong with it.
pub fn read(secret: &v1::Secret) -> SecretSeen {
    let kind = secret.type_.as_deref().unwrap_or("Opaque");
    if kind != TYPE {
        return Err(SecretTrouble::Type(kind.to_owned()));
    }
    let password = secret.data.as_ref().and_then(|data| data.get(KEY)).filter(|password| !password.0.is_empty());
    let password = password.ok_or(SecretTrouble::NoPassword)?;
    if password.0.len() > herald_sys::tcp::KEY_MAX {
        return Err(SecretTrouble::TooLong(password.0.len()));
    }
    let text = String::from_utf8(password.0.clone()).map_err(|_| SecretTrouble::NotText)?;
    Ok(Password::new(text))
}
