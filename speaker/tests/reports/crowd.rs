//! `--service-bgp-status=auto`: there may be so many objects, and what is missing is said.

use futures::{StreamExt, stream};
use herald_speaker::flags::ServiceBgpStatus;
use herald_speaker::report::BGP_STATUS_LIMIT;
use kube::api::ListParams;

use crate::cluster::{Cluster, until};

/// Status of the condition that says so.
async fn complete(cluster: &Cluster) -> Option<String> {
    let state = cluster.states.get_opt("speaker-a").await.unwrap()?;
    let conditions = state.status?.conditions;
    conditions.into_iter().find(|one| one.type_ == "ServiceBGPStatusComplete").map(|one| one.status)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn auto_makes_no_more_than_so_many_of_all_nodes_and_says_so() {
    let cluster = Cluster::start().await;
    let others = 0..BGP_STATUS_LIMIT - 3;
    stream::iter(others)
        .for_each_concurrent(16, |number| {
            let name = format!("s{number}");
            let cluster = &cluster;
            async move { cluster.half(&name).await }
        })
        .await;
    let reporter = cluster.reporter("a", ServiceBgpStatus::Auto);
    reporter.settle().await;
    until("nothing is missing", async || complete(&cluster).await.as_deref() == Some("True")).await;
    for number in 0..5 {
        reporter.routes(&format!("web-{number}"), Some(&["tor"])).await;
    }
    until("it is said", async || complete(&cluster).await.as_deref() == Some("False")).await;
    let count = cluster.routes.list_metadata(&ListParams::default()).await.unwrap().items.len();
    assert_eq!(count, BGP_STATUS_LIMIT);
    for number in 0..5 {
        reporter.routes(&format!("web-{number}"), None).await;
    }
    until("nothing is missing again", async || complete(&cluster).await.as_deref() == Some("True")).await;
}
