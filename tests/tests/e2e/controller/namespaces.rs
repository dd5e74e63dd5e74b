//! A namespace goes, with everything in it.

use anyhow::Result;
use herald_lab::cluster::Options;
use herald_tests::crowd::{self, Crowd};
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::DeleteParams;

use super::{CROWD_PATIENCE, SHOP, services, stage};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_namespace_deleted_in_a_burst_takes_nothing_else_along_and_frees_its_addresses() -> Result<()> {
    // Room for 300: 200 that stay, 100 that go, and later 100 others.
    let (stage, witness) = stage(Options::control_plane(), &["10.10.0.1-10.10.1.44"]).await?;
    let client = stage.client();
    crowd::namespace(&client, "doomed").await?;
    let (stays, goes) = (services(), Crowd::new("doomed"));
    stays.create(&client, 0..50).await?;
    goes.create(&client, 0..100).await?;

    let burst = stays.create_meanwhile(&client, 50..200);
    let namespaces: Api<Namespace> = Api::all(client.clone());
    namespaces.delete("doomed", &DeleteParams::default()).await?;
    burst.await??;
    witness.all_served(SHOP, 200, CROWD_PATIENCE).await?;
    let nobody_left = |left: usize| (left == 0).then_some(());
    let count = |record: &herald_tests::witness::Record| record.of_namespace("doomed").count();
    witness.until("the namespace empty", CROWD_PATIENCE, |record| nobody_left(count(record))).await?;
    let before = witness.addresses();

    stays.create(&client, 200..300).await?;
    witness.all_served(SHOP, 300, CROWD_PATIENCE).await?;
    let after = witness.addresses();
    assert!(before.iter().all(|(service, addresses)| after.get(service) == Some(addresses)), "nobody moved");
    witness.verdict()
}
