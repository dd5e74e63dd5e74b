//! `keepalived_…`: the yardstick. Two VRRP routers (version 3, an advertisement every 100 ms) with
//! one address, watched as Herald's nodes are.
//!
//! They are not Herald's nodes but two of a lab of their own, without a
//! cluster, in which the lab's own server listens on both.

use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use herald_lab::cluster::files;
use herald_lab::place;
use herald_lab::program::{Invocation, Program};
use herald_lab::tool::{self, Tool};
use herald_lab::topology::{Machine, Size, Topology};
use herald_tests::layer2::{Ground, Row, Watch};
use nix::sys::signal::Signal;

use crate::measurement::Measurement;
use crate::report::Report;

/// The address.
const ADDRESS: [u8; 4] = [192, 168, 1, 240];

/// How long keepalived and the server take to be there, at most.
const SETTLE: Duration = Duration::from_secs(3);

/// Measures; only told, as it is not Herald.
pub async fn measure(report: &Report, runs: u32) -> Result<Vec<Measurement>> {
    let Ok(keepalived) = Tool::Keepalived.find() else {
        report.tell("keepalived is missing, so there is no yardstick; `make bench` unpacks it on Debian and Ubuntu");
        return Ok(Vec::new());
    };
    report.tell("keepalived, for comparison");
    let (mut silent, mut ended) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        let pair = Pair::start(&keepalived).await?;
        let (one, other) = pair.play().await?;
        silent.push(one);
        ended.push(other);
    }
    Ok(vec![told("keepalived_node_silent", &silent), told("keepalived_stopped", &ended)])
}

fn told(name: &str, rows: &[Row]) -> Measurement {
    let worst = rows.iter().map(|row| row.silence.max(row.unanswered)).fold(0.0, f64::max);
    Measurement::told(format!("{name}_wait"), worst, "ms")
        .with("silence_ms", rows.iter().map(|row| row.silence).collect::<Vec<_>>())
        .with("lost", rows.iter().map(|row| row.lost).collect::<Vec<_>>())
        .with("unanswered_ms", rows.iter().map(|row| row.unanswered).collect::<Vec<_>>())
        .with("two_owners_ms", rows.iter().map(|row| row.two_owners).collect::<Vec<_>>())
}

/// Two routers with an address. Programs are dropped before the machines they run on.
struct Pair {
    routers: Vec<(String, Program)>,
    _servers: Vec<Program>,
    topology: Topology,
}

impl Pair {
    async fn start(keepalived: &Path) -> Result<Self> {
        let topology = Topology::create(Size { nodes: 2, clients: Ground::CLIENTS })?;
        let dir = files::make_dir(topology.id())?;
        let mut pair = Self { routers: Vec::new(), _servers: Vec::new(), topology };
        for (node, priority) in pair.topology.nodes().iter().zip([150, 100]) {
            pair._servers.push(server(node, &dir)?);
            pair.routers.push((node.name.clone(), router(keepalived, node, priority, &dir)?));
        }
        // A backup waits for three advertisements before it is a master.
        tokio::time::sleep(SETTLE).await;
        Ok(pair)
    }

    /// The master's node falls silent and comes back; then it is asked to end.
    async fn play(self) -> Result<(Row, Row)> {
        let ground = Ground { topology: &self.topology, address: IpAddr::from(ADDRESS) };
        let watch = Watch::start(&ground).await.context("keepalived")?;
        let master = watch.owner().to_owned();
        self.topology.switch().cut(&master)?;
        let silent = watch.finish(&ground, "keepalived_node_silent").await?;
        self.topology.switch().heal(&master)?;
        tokio::time::sleep(SETTLE).await;

        let watch = Watch::start(&ground).await.context("keepalived, healed")?;
        let master = watch.owner().to_owned();
        let router = self.routers.iter().find(|(name, _)| *name == master).context("the master is a router")?;
        router.1.signal(Signal::SIGTERM)?;
        let ended = watch.finish(&ground, "keepalived_stopped").await?;
        Ok((silent, ended))
    }
}

fn server(node: &Machine, dir: &Path) -> Result<Program> {
    let args = ["pod", "--name", &node.name, "--node", &node.name, "--port", "80"];
    Program::start(
        &node.namespace,
        &Invocation {
            name: format!("server@{}", node.name),
            program: place::program("herald-lab")?,
            args: args.map(Into::into).to_vec(),
            env: Vec::new(),
            log: dir.join(format!("server-{}.log", node.name)),
        },
    )
}

fn router(keepalived: &Path, node: &Machine, priority: u8, dir: &Path) -> Result<Program> {
    let [a, b, c, d] = ADDRESS;
    let configuration = format!(
        "global_defs {{\n vrrp_version 3\n router_id {name}\n}}\n\
         vrrp_instance yardstick {{\n state BACKUP\n interface eth0\n virtual_router_id 51\n priority {priority}\n \
         advert_int 0.1\n version 3\n virtual_ipaddress {{\n {a}.{b}.{c}.{d}/24 dev eth0\n }}\n}}\n",
        name = node.name,
    );
    let file = dir.join(format!("keepalived-{}.conf", node.name));
    fs::write(&file, configuration).with_context(|| format!("write {}", file.display()))?;
    let pid = |what: &str| dir.join(format!("{what}-{}.pid", node.name));
    let args = ["-n", "-l", "-D", "-P", "-f"].map(Into::into).into_iter();
    let args = args.chain([file.into(), "-p".into(), pid("keepalived").into(), "-r".into(), pid("vrrp").into()]);
    Program::start(
        &node.namespace,
        &Invocation {
            name: format!("keepalived@{}", node.name),
            program: keepalived.to_owned(),
            args: args.collect(),
            env: tool::environment(keepalived),
            log: dir.join(format!("keepalived-{}.log", node.name)),
        },
    )
}
