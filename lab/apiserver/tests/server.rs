//! What the lab and the end-to-end suites rely on besides the API itself: listeners, outages, histories, the pace of
//! writes, tokens; and that writers who meet lose nothing.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::TcpListener;
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use herald_apiserver::{ApiServer, Handle, Options, Profile};
use k8s_openapi::api::core::v1::{ConfigMap, Service};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::json;
use tokio::time::{Instant, timeout};

const SOON: Duration = Duration::from_secs(10);

fn start(options: Options) -> (Handle, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let server = ApiServer::start(Options { listeners: vec![listener], ..options }).unwrap();
    (server, url)
}

async fn client(kubeconfig: &str) -> kube::Client {
    let config = Kubeconfig::from_yaml(kubeconfig).unwrap();
    let config = kube::Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await.unwrap();
    kube::Client::try_from(config).unwrap()
}

async fn admin(server: &Handle, url: &str) -> kube::Client {
    client(&server.admin_kubeconfig(url)).await
}

fn config_map(name: &str, value: usize) -> ConfigMap {
    serde_json::from_value(json!({"metadata": {"name": name}, "data": {"k": value.to_string()}})).unwrap()
}

fn load_balancer(name: &str, node_port: u16) -> Service {
    serde_json::from_value(json!({
        "metadata": {"name": name},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80, "nodePort": node_port}]},
    }))
    .unwrap()
}

#[tokio::test]
async fn several_listeners_serve_the_same() {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let urls = listeners.each_ref().map(|listener| format!("https://{}", listener.local_addr().unwrap()));
    let server = ApiServer::start(Options { listeners: listeners.into(), ..Options::default() }).unwrap();
    let one: Api<ConfigMap> = Api::default_namespaced(admin(&server, &urls[0]).await);
    let other: Api<ConfigMap> = Api::default_namespaced(admin(&server, &urls[1]).await);
    one.create(&PostParams::default(), &config_map("a", 1)).await.unwrap();
    assert_eq!(other.get("a").await.unwrap().data.unwrap()["k"], "1");
    assert_eq!(server.addresses().len(), 2);
}

#[tokio::test]
async fn a_restart_cuts_watches_and_makes_their_revision_too_old() {
    let (server, url) = start(Options::default());
    let maps: Api<ConfigMap> = Api::default_namespaced(admin(&server, &url).await);
    let first = maps.create(&PostParams::default(), &config_map("a", 1)).await.unwrap();
    let revision = first.metadata.resource_version.unwrap();
    let mut events = maps.watch(&WatchParams::default(), &revision).await.unwrap().boxed();
    maps.create(&PostParams::default(), &config_map("b", 1)).await.unwrap();
    assert!(matches!(events.try_next().await.unwrap(), Some(WatchEvent::Added(_))));

    server.restart();
    let cut = timeout(SOON, async { while let Ok(Some(_)) = events.try_next().await {} }).await;
    assert!(cut.is_ok(), "the watch is still open");
    let mut events = maps.watch(&WatchParams::default(), &revision).await.unwrap().boxed();
    let Some(Ok(WatchEvent::Error(error))) = events.next().await else { panic!("no error event") };
    assert_eq!(error.code, 410);
    assert_eq!(maps.list(&ListParams::default()).await.unwrap().items.len(), 2, "the objects are still there");
}

#[tokio::test]
async fn a_watch_that_begins_before_the_history_is_told_so() {
    let (server, url) = start(Options { history: 4, ..Options::default() });
    let maps: Api<ConfigMap> = Api::default_namespaced(admin(&server, &url).await);
    let mut revisions = Vec::new();
    for n in 0..8 {
        let map = maps.create(&PostParams::default(), &config_map(&format!("m{n}"), n)).await.unwrap();
        revisions.push(map.metadata.resource_version.unwrap());
    }
    let mut early = maps.watch(&WatchParams::default(), &revisions[1]).await.unwrap().boxed();
    assert!(matches!(early.next().await, Some(Ok(WatchEvent::Error(error))) if error.code == 410));
    let late = maps.watch(&WatchParams::default(), &revisions[4]).await.unwrap().boxed();
    let names: Vec<String> = late
        .take(3)
        .map(|event| match event {
            Ok(WatchEvent::Added(map)) => map.metadata.name.unwrap(),
            other => panic!("{other:?}"),
        })
        .collect()
        .await;
    assert_eq!(names, ["m5", "m6", "m7"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_that_meet_lose_nothing() {
    let (server, url) = start(Options::default());
    let maps: Api<ConfigMap> = Api::default_namespaced(admin(&server, &url).await);
    maps.create(&PostParams::default(), &config_map("shared", 0)).await.unwrap();
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let maps = maps.clone();
            tokio::spawn(async move {
                for n in 0..20 {
                    // Merge patches without a version never conflict, whatever comes between.
                    let patch = json!({"data": {format!("w{writer}-{n}"): "1"}});
                    maps.patch("shared", &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
                    // A PUT with a version that somebody else has overtaken does.
                    loop {
                        let mut map = maps.get("shared").await.unwrap();
                        let data = map.data.as_mut().unwrap();
                        let next = data["k"].parse::<usize>().unwrap() + 1;
                        data.insert("k".into(), next.to_string());
                        match maps.replace("shared", &PostParams::default(), &map).await {
                            Ok(_) => break,
                            Err(kube::Error::Api(status)) => assert_eq!(status.code, 409),
                            Err(error) => panic!("{error}"),
                        }
                    }
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let data = maps.get("shared").await.unwrap().data.unwrap();
    assert_eq!(data["k"], "160");
    assert_eq!(data.len(), 161);
}

#[tokio::test]
async fn a_dry_run_takes_nothing_and_a_deletion_gives_it_back() {
    let (server, url) = start(Options::default());
    let services: Api<Service> = Api::default_namespaced(admin(&server, &url).await);
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    services.create(&dry, &load_balancer("a", 30_010)).await.unwrap();
    assert!(services.get_opt("a").await.unwrap().is_none());
    services.create(&PostParams::default(), &load_balancer("a", 30_010)).await.unwrap();
    let taken = services.create(&PostParams::default(), &load_balancer("b", 30_010)).await.unwrap_err();
    assert!(taken.to_string().contains("provided port is already allocated"), "{taken}");
    services.delete("a", &DeleteParams::default()).await.unwrap();
    services.create(&PostParams::default(), &load_balancer("b", 30_010)).await.unwrap();
}

#[tokio::test]
async fn a_slow_profile_slows_writes_and_not_reads() {
    let profile = Profile { write: Duration::from_millis(60), jitter: Duration::ZERO, writes_per_second: 1_000 };
    let (server, url) = start(Options { profile: Some(profile), ..Options::default() });
    let maps: Api<ConfigMap> = Api::default_namespaced(admin(&server, &url).await);
    maps.list(&ListParams::default()).await.unwrap(); // connects
    let begun = Instant::now();
    maps.create(&PostParams::default(), &config_map("a", 1)).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(60), "{:?}", begun.elapsed());
    let begun = Instant::now();
    for _ in 0..10 {
        maps.get("a").await.unwrap();
    }
    assert!(begun.elapsed() < Duration::from_millis(600), "reads are as slow as writes");
}

#[tokio::test]
async fn a_running_server_gets_slow_and_fast_again() {
    let (server, url) = start(Options::default());
    let maps: Api<ConfigMap> = Api::default_namespaced(admin(&server, &url).await);
    maps.list(&ListParams::default()).await.unwrap(); // connects
    server.set_delay(Duration::from_millis(60));
    let begun = Instant::now();
    maps.list(&ListParams::default()).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(60), "{:?}", begun.elapsed());
    server.set_delay(Duration::ZERO);

    let slow = Profile { write: Duration::from_millis(80), jitter: Duration::ZERO, writes_per_second: 1_000 };
    server.set_profile(Some(slow));
    let begun = Instant::now();
    maps.create(&PostParams::default(), &config_map("a", 1)).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(80), "{:?}", begun.elapsed());
    server.set_profile(None);
    let begun = Instant::now();
    for n in 0..10 {
        maps.create(&PostParams::default(), &config_map(&format!("fast-{n}"), n)).await.unwrap();
    }
    assert!(begun.elapsed() < Duration::from_millis(800), "writes are still slow");
}

#[tokio::test]
async fn requests_are_counted_by_who_made_them_and_what_for() {
    let (server, url) = start(Options::default());
    let maps: Api<ConfigMap> = Api::default_namespaced(admin(&server, &url).await);
    maps.create(&PostParams::default(), &config_map("a", 1)).await.unwrap();
    maps.get("a").await.unwrap();
    maps.get_opt("b").await.unwrap();
    let count = |verb: &str| {
        let of_admin = server.requests().into_iter().filter(|one| one.user == "admin" && one.resource == "configmaps");
        of_admin.filter(|one| one.verb == verb).map(|one| (one.count, one.are_writes())).collect::<Vec<_>>()
    };
    assert_eq!(count("create"), [(1, true)]);
    assert_eq!(count("get"), [(2, false)]);
    assert_eq!(count("patch"), []);
}

#[tokio::test]
async fn tokens_are_of_users_who_may_do_what_roles_say() {
    let (server, url) = start(Options::default());
    let token = server.user_token("eve", &["devs"]);
    let eve: Api<ConfigMap> = Api::default_namespaced(client(&server.kubeconfig_for(&url, "eve", &token)).await);
    let refused = eve.list(&ListParams::default()).await.unwrap_err();
    assert!(refused.to_string().contains("User \"eve\" cannot list resource \"configmaps\""), "{refused}");

    let bindings: Api<k8s_openapi::api::rbac::v1::ClusterRoleBinding> = Api::all(admin(&server, &url).await);
    let binding = serde_json::from_value(json!({
        "metadata": {"name": "devs"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "devs"}],
    }))
    .unwrap();
    bindings.create(&PostParams::default(), &binding).await.unwrap();
    eve.list(&ListParams::default()).await.unwrap();

    let forged: Api<ConfigMap> = Api::default_namespaced(client(&server.kubeconfig_for(&url, "x", "forged")).await);
    assert!(matches!(forged.list(&ListParams::default()).await, Err(kube::Error::Api(status)) if status.code == 401));
}
