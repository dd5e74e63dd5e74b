//! The programs have the rights in `config/rbac`, need no more, and get no more.

use std::fs;

use anyhow::{Context as _, Result};
use herald_crds::IPAddressPool;
use herald_lab::cluster::SYSTEM_NAMESPACE;
use herald_tests::Stage;
use k8s_openapi::api::core::v1::{Pod, Secret, Service};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::{Api, Error};
use serde_json::json;

/// Whether the server refused for want of rights.
fn forbidden<T>(outcome: Result<T, Error>) -> bool {
    matches!(outcome, Err(Error::Api(status)) if status.code == 403)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rights_suffice_and_are_enforced() -> Result<()> {
    let stage = Stage::with_pods().await?;
    let address = stage.first_steps().await?;
    let probe = stage.ask(address)?;
    stage.settled(&probe).await?;
    stage.event("default", "web-lb", "nodeAssigned").await?;

    // Nothing the programs wanted was refused.
    for program in stage.cluster.programs() {
        let log = fs::read_to_string(program.log())?;
        let refused: Vec<_> = log.lines().filter(|line| line.to_lowercase().contains("forbidden")).collect();
        assert!(refused.is_empty(), "{}: {refused:#?}", program.name());
    }

    // Of the kernel's capabilities, the speaker has NET_RAW and the controller none.
    for program in stage.cluster.programs() {
        let status = fs::read_to_string(format!("/proc/{}/status", program.pid()))?;
        let wanted: u64 = if program.name().starts_with("herald-speaker") { 1 << 13 } else { 0 };
        for set in ["CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb"] {
            let line = status.lines().find_map(|line| line.strip_prefix(set)?.strip_prefix(":\t"));
            let held = u64::from_str_radix(line.context("a set of capabilities")?, 16)?;
            assert!(held & !wanted == 0, "{}: {set} is {held:x}", program.name());
        }
    }

    // What they have no business with is refused.
    for name in ["herald-controller", "herald-speaker"] {
        let client = stage.cluster.control_plane().client_as(SYSTEM_NAMESPACE, name).await?;
        let secrets: Api<Secret> = Api::namespaced(client.clone(), "kube-system");
        assert!(forbidden(secrets.list(&ListParams::default()).await), "{name} lists Secrets");
        let secrets: Api<Secret> = Api::namespaced(client.clone(), SYSTEM_NAMESPACE);
        assert!(forbidden(secrets.delete("tor", &DeleteParams::default()).await), "{name} deletes Secrets");
        let pods: Api<Pod> = Api::default_namespaced(client.clone());
        assert!(forbidden(pods.delete("web-1", &DeleteParams::default()).await), "{name} deletes Pods");
        let pools: Api<IPAddressPool> = Api::namespaced(client.clone(), SYSTEM_NAMESPACE);
        let patch = json!({"spec": {"autoAssign": false}});
        let patched = pools.patch("public-pool", &PatchParams::default(), &Patch::Merge(&patch)).await;
        assert!(forbidden(patched), "{name} changes pools");
        let services: Api<Service> = Api::default_namespaced(client);
        assert!(forbidden(services.delete("web-lb", &DeleteParams::default()).await), "{name} deletes Services");
    }
    let speaker = stage.cluster.control_plane().client_as(SYSTEM_NAMESPACE, "herald-speaker").await?;
    let services: Api<Service> = Api::default_namespaced(speaker);
    let none = json!({"status": {"loadBalancer": {}}});
    let patched = services.patch_status("web-lb", &PatchParams::default(), &Patch::Merge(&none)).await;
    assert!(forbidden(patched), "a speaker writes Service status");
    Ok(())
}
