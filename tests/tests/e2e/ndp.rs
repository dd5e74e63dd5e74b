//! IPv6 at a client: its kernel's own neighbour entries.

use std::net::{IpAddr, Ipv6Addr, UdpSocket};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use herald_lab::clock;
use herald_lab::topology::Machine;
use herald_tests::{Stage, eventually};

/// What DESIGN-level budgets promise for the loss of an owner.
const BUDGET: Duration = Duration::from_secs(1);

const DUAL_STACK: &str = "
{apiVersion: metallb.io/v1beta1, kind: IPAddressPool, metadata: {name: dual, namespace: metallb-system},
 spec: {addresses: [192.168.1.200-192.168.1.219, 'fd00:1::200-fd00:1::2ff']}}
---
{apiVersion: metallb.io/v1beta1, kind: L2Advertisement, metadata: {name: dual, namespace: metallb-system}}
---
apiVersion: v1
kind: Service
metadata: {name: web-dual}
spec:
  type: LoadBalancer
  ipFamilyPolicy: RequireDualStack
  ipFamilies: [IPv4, IPv6]
  selector: {app.kubernetes.io/name: web}
  ports: [{name: http, port: 80}]
";

/// The client's entry for an address, as `ip neigh` prints it.
fn entry(client: &Machine, address: IpAddr) -> Result<String> {
    let output = Command::new("ip")
        .args(["-n", client.namespace.name(), "neigh", "show", "to", &address.to_string(), "dev", "eth0"])
        .output()
        .context("run ip neigh")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The MAC in such an entry.
fn mac(entry: &str) -> Option<String> {
    entry.split_whitespace().skip_while(|word| *word != "lladdr").nth(1).map(str::to_owned)
}

/// Makes the client's kernel ask for an address, and waits until it knows.
async fn resolve(client: &Machine, address: IpAddr) -> Result<String> {
    eventually(&format!("the client knows {address}"), async || {
        let from = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        // "Host unreachable" of the last attempt comes as an error of this one.
        client
            .namespace
            .run(move || UdpSocket::bind(from).and_then(|socket| socket.send_to(b"?", (address, 9))).ok())?;
        tokio::time::sleep(Duration::from_millis(20)).await;
        Ok(mac(&entry(client, address)?))
    })
    .await
}

async fn addresses(stage: &Stage) -> Result<[IpAddr; 2]> {
    eventually("web-dual has an address of each family", async || {
        let status = stage.services().get("web-dual").await?.status;
        let ingress = status.and_then(|status| status.load_balancer?.ingress).unwrap_or_default();
        let ips: Vec<IpAddr> = ingress.into_iter().filter_map(|one| one.ip?.parse().ok()).collect();
        Ok(<[IpAddr; 2]>::try_from(ips).ok())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_families_have_one_owner_and_a_reachable_entry_follows_its_loss() -> Result<()> {
    let stage = Stage::with_pods().await?;
    stage.apply(DUAL_STACK).await?;
    let [v4, v6] = addresses(&stage).await?;
    let client = stage.user()?;
    let owner = resolve(client, v6).await?;
    ensure!(resolve(client, v4).await? == owner, "both families at one node");
    let lab = stage.cluster.topology();
    let node = lab.nodes().iter().find(|node| node.station.mac().to_string() == owner).context("a node's MAC")?;
    tokio::time::sleep(Duration::from_secs(5)).await; // the burst is over

    // The client has just confirmed both entries, and says nothing from here on.
    for address in [v4, v6] {
        let lines = [format!("neigh replace {address} lladdr {owner} dev eth0 nud reachable")];
        herald_lab::tool::ip_batch(Some(client.namespace.name()), &lines)?;
    }
    let lost = clock::now();
    lab.switch().cut(&node.name)?;
    for address in [v6, v4] {
        let now = eventually(&format!("the entry of {address} follows"), async || {
            let known = mac(&entry(client, address)?);
            Ok(known.filter(|known| *known != owner))
        })
        .await?;
        let took = clock::now() - lost;
        println!("{address} at {now} after {took:?}");
        ensure!(lab.nodes().iter().any(|node| node.station.mac().to_string() == now), "{now} is a node's");
        ensure!(took <= BUDGET, "the client's entry held the lost owner for {took:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_wants_an_announced_address_finds_it_taken() -> Result<()> {
    let stage = Stage::with_pods().await?;
    stage.apply(DUAL_STACK).await?;
    let [_, v6] = addresses(&stage).await?;
    let address: Ipv6Addr = v6.to_string().parse()?;
    resolve(stage.user()?, v6).await?;
    let other = stage.cluster.client_machine(1)?;
    herald_lab::tool::ip_batch(Some(other.namespace.name()), &[format!("addr add {address}/64 dev eth0")])?;
    eventually("duplicate address detection fails", async || {
        let shown = Command::new("ip").args(["-n", other.namespace.name(), "addr", "show", "dev", "eth0"]).output()?;
        Ok(String::from_utf8_lossy(&shown.stdout).contains("dadfailed").then_some(()))
    })
    .await
}
