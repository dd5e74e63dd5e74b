//! Objects of the API server as a stream of changes.
//!
//! `kube`'s watcher lists, watches, and lists again when the server has forgotten where we were. This module makes
//! of it what an index wants (`reset`, `applied`, `deleted`) and reduces every object on arrival to what the
//! program uses, so that memory grows with what is used and not with what users write into their objects.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use k8s_openapi::NamespaceResourceScope;
use kube::core::{ApiResource, DynamicObject};
use kube::runtime::utils::Backoff;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as kube_watcher};
use kube::{Api, Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;

/// Objects in one page of a list. A page is in memory as a whole, as text and decoded, and what a list takes once a program
/// keeps: pages of 500 Services made it several megabytes more.
const PAGE: u32 = 100;
/// First pause after a failed list or watch; doubled each time, with jitter.
const RETRY_MIN: Duration = Duration::from_millis(200);
/// Longest pause between two attempts: how late an API server's return may be noticed.
const RETRY_MAX: Duration = Duration::from_secs(5);

/// What happened to the objects of one watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change<T> {
    /// These are all there are; what is not among them is gone.
    Reset(Vec<T>),
    /// This one is new or changed.
    Applied(T),
    /// This one was deleted, or left the selection.
    Deleted(T),
    /// The server can't be watched just now, for this reason; what is known stays as it is. Any other change says
    /// that the watch works again.
    Broken(String),
}

impl<T> Change<T> {
    /// The same change of what `f` makes of the objects.
    pub fn map<U>(self, mut f: impl FnMut(T) -> U) -> Change<U> {
        match self {
            Self::Reset(all) => Change::Reset(all.into_iter().map(f).collect()),
            Self::Applied(one) => Change::Applied(f(one)),
            Self::Deleted(one) => Change::Deleted(f(one)),
            Self::Broken(why) => Change::Broken(why),
        }
    }
}

/// Watches `api` for ever, retrying with backoff; `reduce` makes of each object what is kept.
///
/// Must be polled to the end of a list before a [`Change::Reset`] comes out. A list is requested in pages of [`PAGE`].
pub fn changes<K, T>(
    api: Api<K>,
    config: kube_watcher::Config,
    reduce: impl FnMut(K) -> T + Send + 'static,
) -> impl Stream<Item = Change<T>> + Send
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
    T: Send + 'static,
{
    let kind = std::any::type_name::<K>().rsplit("::").next().unwrap_or("objects").trim_end_matches('>');
    changes_of(kind.to_owned(), api, config, reduce)
}

fn changes_of<K, T>(
    kind: String,
    api: Api<K>,
    config: kube_watcher::Config,
    mut reduce: impl FnMut(K) -> T + Send + 'static,
) -> impl Stream<Item = Change<T>> + Send
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
    T: Send + 'static,
{
    let mut listed = Vec::new();
    kube_watcher(api, config.page_size(PAGE)).backoff(Retry::default()).filter_map(move |event| {
        let change = match event {
            Ok(Event::Init) => {
                listed.clear();
                None
            }
            Ok(Event::InitApply(object)) => {
                listed.push(reduce(object));
                None
            }
            Ok(Event::InitDone) => Some(Change::Reset(std::mem::take(&mut listed))),
            Ok(Event::Apply(object)) => Some(Change::Applied(reduce(object))),
            Ok(Event::Delete(object)) => Some(Change::Deleted(reduce(object))),
            Err(error) => {
                let why = explain(&error);
                tracing::warn!(kind, "{why}");
                Some(Change::Broken(why))
            }
        };
        std::future::ready(change)
    })
}

/// As [`changes`], of the objects of one namespace, for kinds of which there are few and whose schema may once have been
/// another: an object that can't be read stops nobody.
///
/// It counts as it was when it could be read last, and not at all if it never could; the log names it.
///
/// They are watched as objects of no particular kind: for each kind of its own, the machinery of a watch would be a hundred
/// kilobytes of code more.
pub fn readable_changes<K, T>(
    client: &Client,
    namespace: &str,
    config: kube_watcher::Config,
    mut reduce: impl FnMut(K) -> T + Send + 'static,
) -> BoxStream<'static, Change<T>>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + DeserializeOwned + 'static,
    T: Clone + Send + 'static,
{
    let mut last: BTreeMap<String, T> = BTreeMap::new();
    let kind = ApiResource::erase::<K>(&());
    let read = objects(client, namespace, &kind, config).filter_map(move |change| {
        let mut read = |object: DynamicObject| {
            let name = object.name_any();
            // (Through a value: of the kind itself only what reads its fields is left to be compiled.)
            match serde_json::to_value(object).and_then(serde_json::from_value::<K>) {
                Ok(object) => {
                    let object = reduce(object);
                    last.insert(name, object.clone());
                    Some(object)
                }
                Err(error) => {
                    let kind = K::kind(&());
                    tracing::warn!(%kind, name, "can't be read and counts as it was before: {error}");
                    last.get(&name).cloned()
                }
            }
        };
        let change = match change {
            Change::Reset(all) => Some(Change::Reset(all.into_iter().filter_map(read).collect())),
            Change::Applied(one) => read(one).map(Change::Applied),
            Change::Deleted(one) => {
                let name = one.name_any();
                let gone = read(one).map(Change::Deleted);
                last.remove(&name);
                gone
            }
            Change::Broken(why) => Some(Change::Broken(why)),
        };
        std::future::ready(change)
    });
    read.boxed()
}

fn objects(
    client: &Client,
    namespace: &str,
    kind: &ApiResource,
    config: kube_watcher::Config,
) -> BoxStream<'static, Change<DynamicObject>> {
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, kind);
    changes_of(kind.kind.clone(), api, config, |object| object).boxed()
}

/// Pauses between attempts: from [`RETRY_MIN`], doubled up to [`RETRY_MAX`], each shortened by up to a half so that a
/// whole cluster's speakers don't knock at a returning API server at once.
#[derive(Debug, Default)]
struct Retry {
    attempts: u32,
}

impl Iterator for Retry {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let full = RETRY_MIN.saturating_mul(1 << self.attempts.min(10)).min(RETRY_MAX);
        self.attempts = self.attempts.saturating_add(1);
        let jitter = RandomState::new().build_hasher().finish() % 512;
        Some(full - full.mul_f64(f64::from(u16::try_from(jitter).unwrap_or(0)) / 1024.0))
    }
}

impl Backoff for Retry {
    fn reset(&mut self) {
        self.attempts = 0;
    }
}

/// What a failed watch means for an operator.
fn explain(error: &watcher::Error) -> String {
    let inner = match error {
        watcher::Error::InitialListFailed(inner)
        | watcher::Error::WatchStartFailed(inner)
        | watcher::Error::WatchFailed(inner) => Some(inner),
        _ => None,
    };
    match inner {
        Some(kube::Error::Api(status)) if status.code == 403 => {
            format!("{}; check the RBAC objects of the installation", status.message)
        }
        Some(kube::Error::Api(status)) if status.code == 404 => {
            format!("{}; is the CustomResourceDefinition installed?", status.message)
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_longest_and_start_over() {
        let mut retry = Retry::default();
        let pauses: Vec<_> = retry.by_ref().take(20).collect();
        assert!(pauses[0] >= RETRY_MIN / 2 && pauses[0] <= RETRY_MIN);
        assert!(pauses.iter().all(|pause| *pause <= RETRY_MAX));
        assert!(pauses[19] >= RETRY_MAX / 2);
        retry.reset();
        assert!(retry.next().unwrap() <= RETRY_MIN);
    }

    #[test]
    fn map_keeps_the_kind_of_change() {
        assert_eq!(Change::Reset(vec![1, 2]).map(|n| n * 2), Change::Reset(vec![2, 4]));
        assert_eq!(Change::Applied(1).map(|n| n + 1), Change::Applied(2));
        assert_eq!(Change::Deleted(1).map(|n| n + 1), Change::Deleted(2));
        assert_eq!(Change::<u8>::Broken("x".into()).map(u32::from), Change::Broken("x".into()));
    }
}
