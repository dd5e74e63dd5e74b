//! How fast is the server? Creates Services while watchers read along: `load -- 5000 3`.

use std::error::Error;
use std::net::TcpListener;
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use herald_apiserver::{ApiServer, Options};
use k8s_openapi::api::core::v1::Service;
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::json;
use tokio::time::Instant;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let count: usize = arguments.next().unwrap_or_else(|| "5000".to_owned()).parse()?;
    let watchers: usize = arguments.next().unwrap_or_else(|| "3".to_owned()).parse()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("https://{}", listener.local_addr()?);
    let server = ApiServer::start(Options { listeners: vec![listener], ..Options::default() })?;
    let config = Kubeconfig::from_yaml(&server.admin_kubeconfig(&url))?;
    let config = kube::Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await?;
    let client = kube::Client::try_from(config)?;
    let services: Api<Service> = Api::default_namespaced(client);

    let mut tasks = Vec::new();
    for _ in 0..watchers {
        let services = services.clone();
        tasks.push(tokio::spawn(async move {
            let mut events = services.watch(&WatchParams::default(), "0").await?.boxed();
            let mut seen = 0;
            while let Some(event) = events.try_next().await? {
                if let WatchEvent::Added(_) | WatchEvent::Modified(_) = event {
                    seen += 1;
                }
                if seen == 2 * count {
                    break;
                }
            }
            Ok::<_, kube::Error>(Instant::now())
        }));
    }
    tokio::time::sleep(Duration::from_millis(100)).await;

    let start = Instant::now();
    let parameters = PostParams::default();
    futures::stream::iter(0..count)
        .map(|n| {
            let body = json!({
                "metadata": {"name": format!("s{n}")},
                "spec": {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": false, "ports": [{"port": 80}], "selector": {"app": "x"}},
            });
            let (services, parameters) = (&services, &parameters);
            async move { services.create(parameters, &serde_json::from_value(body).map_err(kube::Error::SerdeError)?).await }
        })
        .buffer_unordered(32)
        .try_collect::<Vec<_>>()
        .await?;
    let created = start.elapsed();
    let start_patches = Instant::now();
    let parameters = PatchParams::default();
    futures::stream::iter(0..count)
        .map(|n| {
            let patch = json!({"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1", "ipMode": "VIP"}]}}});
            let (services, parameters) = (&services, &parameters);
            async move { services.patch_status(&format!("s{n}"), parameters, &Patch::Strategic(patch)).await }
        })
        .buffer_unordered(32)
        .try_collect::<Vec<_>>()
        .await?;
    let patched = start_patches.elapsed();
    let mut last = Duration::ZERO;
    for task in tasks {
        last = last.max(task.await??.duration_since(start));
    }
    let start_list = Instant::now();
    let listed = services.list(&ListParams::default()).await?.items.len();
    let report = format!(
        "{count} creates {created:?}, {count} status patches {patched:?}, {watchers} watchers had all after {last:?}, \
         list of {listed} in {:?}\n",
        start_list.elapsed()
    );
    std::io::Write::write_all(&mut std::io::stdout(), report.as_bytes())?;
    Ok(())
}
