//! A live copy of all objects of one kind.

use std::fmt::Debug;
use std::sync::Arc;

use futures::StreamExt as _;
use kube::runtime::reflector::{self, Store};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// A copy of a kind's objects, kept current by a watch. The watch ends when
/// the mirror is dropped.
#[derive(Debug)]
pub struct Mirror<K: Resource<DynamicType = ()> + 'static> {
    store: Store<K>,
    changes: watch::Receiver<u64>,
    task: AbortHandle,
}

impl<K> Mirror<K>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
{
    /// Starts watching.
    #[must_use]
    pub fn start(api: Api<K>) -> Self {
        let (store, writer) = reflector::store();
        let (changed, changes) = watch::channel(0);
        let task = tokio::spawn(async move {
            let events = watcher(api, watcher::Config::default()).default_backoff().reflect(writer);
            let mut events = std::pin::pin!(events);
            while let Some(event) = events.next().await {
                match event {
                    // A relist is complete, and worth looking at, at its end.
                    Ok(watcher::Event::Init | watcher::Event::InitApply(_)) => {}
                    Ok(_) => changed.send_modify(|count| *count += 1),
                    Err(error) => tracing::info!(kind = %K::kind(&()), %error, "watch interrupted"),
                }
            }
        });
        Self { store, changes, task: task.abort_handle() }
    }

    /// Waits until the first list is complete.
    pub async fn ready(&self) {
        // An error means that the watch has ended, with the lab.
        let _ = self.store.wait_until_ready().await;
    }

    /// All objects now.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<K>> {
        self.store.state()
    }

    /// Waits for a change since the last call.
    pub async fn changed(&mut self) {
        if self.changes.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl<K: Resource<DynamicType = ()> + 'static> Drop for Mirror<K> {
    fn drop(&mut self) {
        self.task.abort();
    }
}
