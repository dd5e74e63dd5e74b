//! What a speaker finds around it: other machines, interfaces, peers, configuration. It says so, and takes it back.
//!
//! All in one lab, because a speaker that nobody answers waits for half a minute before it says so; the rest happens
//! meanwhile.

mod conflict;
mod exclude;
mod state;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use anyhow::{Context as _, Result};
use herald_lab::cluster::Options;
use herald_lab::probe::NeighborProbe;
use herald_lab::topology::Mac;
use herald_tests::{Stage, eventually};

use exclude::ExcludeFile;

/// How often addresses are announced, here.
const REFRESH: Duration = Duration::from_secs(1);

/// The Service.
const SERVICE: &str = "web-dual";

const DUAL_STACK: &str = "
{apiVersion: metallb.io/v1beta1, kind: IPAddressPool, metadata: {name: dual, namespace: metallb-system},
 spec: {addresses: [192.168.1.240-192.168.1.250, 'fd00:1::240-fd00:1::250']}}
---
{apiVersion: metallb.io/v1beta1, kind: L2Advertisement, metadata: {name: dual, namespace: metallb-system}}
---
apiVersion: v1
kind: Service
metadata: {name: web-dual}
spec:
  type: LoadBalancer
  externalTrafficPolicy: Local
  ipFamilyPolicy: RequireDualStack
  ipFamilies: [IPv4, IPv6]
  selector: {app.kubernetes.io/name: web}
  ports: [{name: http, port: 80}]
";

/// A lab, and who announces what in it.
struct Scene {
    stage: Stage,
    v4: Ipv4Addr,
    v6: Ipv6Addr,
    /// Asks for the IPv4 address, from the second client.
    asker: NeighborProbe,
    /// The node that owns both.
    owner: String,
    /// And its MAC.
    mac: Mac,
}

impl Scene {
    /// Pods on two nodes; the third has none, and can't announce anything.
    async fn set(stage: Stage) -> Result<Self> {
        for (pod, node) in [("web-1", "node1"), ("web-2", "node2")] {
            stage.add_pod(pod, node).await?;
        }
        stage.apply(DUAL_STACK).await?;
        let (v4, v6) = eventually("an address of each family", async || {
            let status = stage.services().get(SERVICE).await?.status;
            let ingress = status.and_then(|status| status.load_balancer?.ingress).unwrap_or_default();
            let ips: Vec<IpAddr> = ingress.into_iter().filter_map(|one| one.ip?.parse().ok()).collect();
            let [IpAddr::V4(v4), IpAddr::V6(v6)] = ips[..] else { return Ok(None) };
            Ok(Some((v4, v6)))
        })
        .await?;
        let asker = stage.ask(v4)?;
        let owner = stage.settled(&asker).await?;
        let mac = stage.cluster.topology().node(&owner)?.station.mac();
        Ok(Self { stage, v4, v6, asker, owner, mac })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_speaker_finds_around_it_is_said_and_taken_back() -> Result<()> {
    let file = ExcludeFile::new()?;
    let speaker_flags = vec!["--l2-refresh=1s".into(), "--l2-exclude-file".into(), file.path().into()];
    let stage = Stage::with(Options { speaker_flags, ..Options::default() }).await?;
    // From here on the third node's speaker hears nobody.
    stage.cluster.topology().switch().mute_membership("node3")?;
    let scene = Scene::set(stage).await?;

    conflict::machines_that_insist(&scene).await.context("machines that insist on an address")?;
    conflict::a_machine_that_keeps_quiet(&scene).await.context("a machine that keeps quiet")?;
    exclude::interfaces(&scene, &file).await.context("excluded interfaces")?;
    state::a_bad_object(&scene.stage).await.context("a bad object")?;
    state::nobody_answers(&scene.stage).await.context("nobody answers")
}
