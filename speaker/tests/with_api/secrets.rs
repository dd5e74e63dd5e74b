//! Secrets are followed by name, as they come, change and go.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::time::Duration;

use herald_apiserver::{ApiServer, Handle, Options};
use herald_speaker::watch::secret::{self, MOST, SecretSeen, SecretTrouble};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

const NAMESPACE: &str = "metallb-system";
/// Longer than anything here takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

struct Fixture {
    server: Handle,
    secrets: Api<Secret>,
    names: watch::Sender<BTreeSet<String>>,
    seen: mpsc::Receiver<(String, SecretSeen)>,
}

impl Fixture {
    async fn following(names: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let server = ApiServer::start(Options { listeners: vec![listener], ..Options::default() }).unwrap();
        let config = Kubeconfig::from_yaml(&server.admin_kubeconfig(&url)).unwrap();
        let config = kube::Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await.unwrap();
        let client = Client::try_from(config).unwrap();
        let namespace: Namespace = serde_json::from_value(json!({"metadata": {"name": NAMESPACE}})).unwrap();
        Api::all(client.clone()).create(&PostParams::default(), &namespace).await.unwrap();
        let (to, seen) = mpsc::channel(256);
        let (names, wanted) = watch::channel(set(names));
        secret::follow(&client, NAMESPACE, wanted, |name, seen| (name, seen), &to);
        Self { server, secrets: Api::namespaced(client, NAMESPACE), names, seen }
    }

    async fn create(&self, name: &str, kind: &str, data: Value) {
        let secret = json!({"metadata": {"name": name}, "type": kind, "stringData": data});
        let secret: Secret = serde_json::from_value(secret).unwrap();
        self.secrets.create(&PostParams::default(), &secret).await.unwrap();
    }

    async fn next(&mut self) -> (String, Result<String, SecretTrouble>) {
        let (name, seen) = tokio::time::timeout(PATIENCE, self.seen.recv()).await.expect("in time").expect("runs");
        (name, seen.map(|password| password.reveal().to_owned()))
    }

    fn requests(&self, verb: &str) -> u64 {
        let all = self.server.requests();
        all.iter().filter(|of| of.resource == "secrets" && of.verb == verb).map(|of| of.count).sum()
    }
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

const BASIC_AUTH: &str = "kubernetes.io/basic-auth";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_comes_changes_and_goes() {
    let mut fixture = Fixture::following(&["tor"]).await;
    let is = |seen: SecretSeen| ("tor".to_owned(), seen.map(|password| password.reveal().to_owned()));
    assert_eq!(fixture.next().await, is(Err(SecretTrouble::Missing)), "told before it exists");
    fixture.create("other", BASIC_AUTH, json!({"password": "not-asked-for"})).await;
    fixture.create("tor", BASIC_AUTH, json!({"username": "", "password": "geheim"})).await;
    assert_eq!(fixture.next().await.1.as_deref(), Ok("geheim"));
    let patch = Patch::Merge(json!({"stringData": {"password": "neu"}}));
    fixture.secrets.patch("tor", &PatchParams::default(), &patch).await.unwrap();
    assert_eq!(fixture.next().await.1.as_deref(), Ok("neu"));
    fixture.secrets.delete("tor", &DeleteParams::default()).await.unwrap();
    assert_eq!(fixture.next().await, is(Err(SecretTrouble::Missing)));
    fixture.create("tor", "Opaque", json!({"password": "geheim"})).await;
    assert_eq!(fixture.next().await, is(Err(SecretTrouble::Type("Opaque".to_owned()))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_is_referred_to_is_read_and_not_too_much_of_it() {
    let mut fixture = Fixture::following(&[]).await;
    fixture.create("a", BASIC_AUTH, json!({"password": "first"})).await;
    fixture.names.send_replace(set(&["a"]));
    assert_eq!(fixture.next().await, ("a".to_owned(), Ok("first".to_owned())));
    fixture.names.send_replace(set(&["a", "b"]));
    assert_eq!(fixture.next().await.0, "b", "nothing new of a");

    let many: Vec<String> = (0..MOST + 5).map(|number| format!("s{number:03}")).collect();
    fixture.names.send_replace(many.iter().cloned().collect());
    let mut told: BTreeSet<(String, bool)> = BTreeSet::new();
    while told.len() < many.len() {
        let (name, seen) = fixture.next().await;
        told.insert((name, seen == Err(SecretTrouble::TooMany)));
    }
    assert_eq!(told.iter().filter(|(_, too_many)| *too_many).count(), 5);
    assert!(fixture.requests("watch") + fixture.requests("list") <= 2 * (u64::try_from(MOST).unwrap() + 2));

    // Those that were too many have their turn when others go.
    fixture.names.send_replace(many.iter().skip(5).cloned().collect());
    for _ in 0..5 {
        let (name, seen) = fixture.next().await;
        assert_eq!(seen, Err(SecretTrouble::Missing), "{name}");
    }
}

#[test]
fn what_a_secret_says() {
    let read = |secret: Value| {
        let secret: Secret = serde_json::from_value(secret).unwrap();
        secret::read(&secret).map(|password| password.reveal().to_owned())
    };
    let of = |data: Value| read(json!({"type": BASIC_AUTH, "data": data}));
    assert_eq!(of(json!({"password": "Z2VoZWlt"})).as_deref(), Ok("geheim"));
    assert_eq!(of(json!({"password": "Z2VoZWltCg=="})).as_deref(), Ok("geheim\n"), "as it is");
    assert_eq!(of(json!({"password": ""})), Err(SecretTrouble::NoPassword));
    assert_eq!(of(json!({"username": "Zg=="})), Err(SecretTrouble::NoPassword));
    assert_eq!(read(json!({"type": BASIC_AUTH})), Err(SecretTrouble::NoPassword));
    assert_eq!(of(json!({"password": "/w=="})), Err(SecretTrouble::NotText));
    let long = "YWFh".repeat(27);
    assert_eq!(of(json!({"password": long})), Err(SecretTrouble::TooLong(81)));
    assert_eq!(read(json!({})), Err(SecretTrouble::Type("Opaque".to_owned())));
}
