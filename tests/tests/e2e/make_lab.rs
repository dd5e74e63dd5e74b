//! `make lab` and `make lab-down`.

use std::path::PathBuf;
use std::process::{Command, Output};

use anyhow::{Context as _, Result, ensure};
use herald_lab::cluster::installed;
use herald_lab::lock::Lock;
use herald_lab::topology::{leftovers, require_root};
use herald_lab::{cluster::manifest, place, scene};
use herald_tests::PATIENCE;
use k8s_openapi::api::core::v1::Node;
use kube::api::ListParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};

fn herald_lab(verb: &str) -> Result<Output> {
    Ok(Command::new(place::program("herald-lab")?).arg(verb).output()?)
}

/// The kubeconfig that `herald-lab up` says to use.
fn up() -> Result<PathBuf> {
    let output = herald_lab("up")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout)?;
    let line = said.strip_prefix("export KUBECONFIG=").context("one line to export")?;
    ensure!(line.ends_with('\n') && line.lines().count() == 1, "one line: {said:?}");
    Ok(PathBuf::from(line.trim_end()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lab_stays_up_until_it_is_taken_down() -> Result<()> {
    require_root()?;
    let kept = Lock::lab("kept")?;
    ensure!(kept.is_some(), "somebody's `make lab` is up on this machine; this test would take it down");
    drop(kept);

    let kubeconfig = up()?;
    let dir = kubeconfig.parent().context("a folder")?.to_owned();
    let id = dir.file_name().context("the lab's id")?.to_string_lossy().into_owned();
    let file = Kubeconfig::read_from(&kubeconfig)?;
    let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await?;
    let client = Client::try_from(config)?;
    let nodes = Api::<Node>::all(client.clone()).list(&ListParams::default()).await?;
    assert_eq!(nodes.items.len(), 3);
    manifest::apply(&client, installed::FIRST_STEPS).await?;
    scene::allocated(&client, "default", "web-lb", PATIENCE).await?;

    assert_eq!(up()?, kubeconfig, "a second `make lab` finds the first");
    assert!(leftovers::sweep()?.iter().all(|swept| *swept != id), "it is not taken for a leftover");

    let output = herald_lab("down")?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(leftovers::namespaces_of(&id)?, Vec::<String>::new());
    assert!(!dir.exists(), "its files are gone");
    assert!(Lock::lab("kept")?.is_some(), "its supervisor is gone");
    let again = herald_lab("down")?;
    assert!(again.status.success(), "nothing to do is no error");
    Ok(())
}
