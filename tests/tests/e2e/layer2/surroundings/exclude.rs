//! Interfaces that the ConfigMap `metallb-excludel2` names take no part, and a change of it counts without a restart.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use herald_lab::topology::Mac;
use herald_lab::wire::Direction;
use herald_lab::{clock, place, tool};
use herald_tests::{PATIENCE, eventually};

use super::Scene;

/// The second interface of the owner's node, in the same network.
const SECOND: Mac = Mac([0x02, 0x00, 0xee, 0xee, 0xee, 0x01]);

/// The file that the ConfigMap would be mounted as; it goes with this value.
pub(super) struct ExcludeFile(PathBuf);

impl ExcludeFile {
    /// Excludes `eth1`.
    pub(super) fn new() -> Result<Self> {
        let file = Self(place::target_dir()?.join(format!("excludel2-{}.yaml", std::process::id())));
        file.exclude("^eth1$")?;
        Ok(file)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Excludes others.
    fn exclude(&self, pattern: &str) -> Result<()> {
        // As the kubelet does, in one step: half a list would be another list.
        let new = self.0.with_extension("new");
        std::fs::write(&new, format!("announcedInterfacesToExclude:\n- {pattern}\n")).context("write the list")?;
        std::fs::rename(new, &self.0).context("replace the list")
    }
}

impl Drop for ExcludeFile {
    fn drop(&mut self) {
        // What is left is in the target folder.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Adds an interface to the owner's node.
fn add_interface(scene: &Scene) -> Result<()> {
    let lab = scene.stage.cluster.topology();
    let (node, switch) = (lab.node(&scene.owner)?.namespace.name(), lab.switch().namespace().name());
    tool::ip_batch(
        None,
        &[format!("link add second netns {switch} type veth peer name eth1 netns {node} address {SECOND}")],
    )?;
    tool::ip_batch(Some(switch), &["link set second master br0 up".to_owned()])?;
    tool::ip_batch(Some(node), &["link set eth1 up".to_owned()])
}

pub(super) async fn interfaces(scene: &Scene, file: &ExcludeFile) -> Result<()> {
    let capture = &scene.stage.capture;
    // What reaches the second client and says that this MAC has the address.
    let claims = |mac: Mac, from| {
        let all = capture.claims_seen_by("client2", scene.v4, from).into_iter();
        all.filter(|one| one.frame.sender_mac == mac).count()
    };
    let announced = |mac: Mac, from| {
        let all = capture.claims_seen_by("client2", scene.v4, from).into_iter();
        all.filter(|one| one.frame.sender_mac == mac && one.frame.is_gratuitous()).count()
    };
    let announced_v6 = |mac: Mac, from| {
        let all = capture.seen_ndp().into_iter();
        let seen = all.filter(|one| one.at >= from && one.direction == Direction::ToMachine);
        seen.filter(|one| one.frame.target == scene.v6 && one.frame.claim() == Some(mac)).count()
    };

    let up = clock::now();
    add_interface(scene)?;
    eventually("an announcement on the first interface", async || Ok((announced(scene.mac, up) > 0).then_some(())))
        .await?;
    file.exclude("^eth0$")?;
    let first = scene.asker.wait_for(up, PATIENCE, |answer| answer.mac == SECOND)?.at;
    ensure!(claims(SECOND, up) == claims(SECOND, first - super::REFRESH / 10), "not as long as it was excluded");

    let since = clock::now();
    eventually("announcements on the second interface", async || {
        Ok((announced(SECOND, since) >= 2 && announced_v6(SECOND, since) >= 2).then_some(()))
    })
    .await?;
    ensure!(claims(scene.mac, since) == 0, "neither answers nor announcements on the first one any more");
    ensure!(announced_v6(scene.mac, since) == 0, "in IPv6 neither");
    ensure!(scene.stage.cluster.speaker(&scene.owner)?.ended()?.is_none(), "without a restart");
    Ok(())
}
