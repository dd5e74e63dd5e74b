//! An API server with Herald's kinds and rights, and reporters of nodes.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use herald_apiserver::{ApiServer, Handle, Options};
use herald_crds::{BGPSessionState, ConfigurationState, ServiceBGPStatus};
use herald_runtime::events::EventSink;
use herald_speaker::flags::ServiceBgpStatus;
use herald_speaker::report::{self, Peers, Report, Sessions, Standpoint, Writers};
use herald_speaker::watch::node::NodeSeen;
use herald_speaker::watch::service::ServiceKey;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

pub const NAMESPACE: &str = "metallb-system";
/// Longer than anything here takes, also on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(120);
const SPEAKER: &str = "herald-speaker";

pub struct Cluster {
    pub server: Handle,
    /// Of a speaker.
    speaker: Client,
    pub routes: Api<ServiceBGPStatus>,
    pub sessions: Api<BGPSessionState>,
    pub states: Api<ConfigurationState>,
}

/// A node's reporter.
pub struct Reporter {
    pub reports: mpsc::Sender<Report>,
    pub sessions: watch::Sender<Sessions>,
    _standpoint: watch::Sender<Option<Standpoint>>,
    _node: watch::Sender<Option<NodeSeen>>,
    _fit: watch::Sender<BTreeSet<String>>,
    told: mpsc::Receiver<herald_runtime::events::Notice>,
    task: JoinHandle<()>,
}

impl Cluster {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let server = ApiServer::start(Options { listeners: vec![listener], ..Options::default() }).unwrap();
        let client = client(&server.admin_kubeconfig(&url)).await;
        let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
        for definition in herald_crds::definition::all().unwrap() {
            definitions.create(&PostParams::default(), &definition).await.unwrap();
        }
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}).to_string();
        create::<Namespace>(&Api::all(client.clone()), &namespace).await;
        for document in include_str!("../../../config/rbac/speaker.yaml").split("\n---\n") {
            let of = |kind: &str| document.lines().any(|line| line == format!("kind: {kind}"));
            match () {
                () if of("ServiceAccount") => {
                    create::<ServiceAccount>(&Api::namespaced(client.clone(), NAMESPACE), document).await;
                }
                () if of("ClusterRole") => create::<ClusterRole>(&Api::all(client.clone()), document).await,
                () if of("ClusterRoleBinding") => {
                    create::<ClusterRoleBinding>(&Api::all(client.clone()), document).await
                }
                () if of("Role") => create::<Role>(&Api::namespaced(client.clone(), NAMESPACE), document).await,
                () if of("RoleBinding") => {
                    create::<RoleBinding>(&Api::namespaced(client.clone(), NAMESPACE), document).await;
                }
                () => panic!("what is this? {document}"),
            }
        }
        let token = server.service_account_token(NAMESPACE, SPEAKER);
        let speaker = self::client(&server.kubeconfig_for(&url, SPEAKER, &token)).await;
        let routes = Api::namespaced(client.clone(), NAMESPACE);
        let sessions = Api::namespaced(client.clone(), NAMESPACE);
        let states = Api::namespaced(client, NAMESPACE);
        Self { server, speaker, routes, sessions, states }
    }

    /// Starts the reporter of a node.
    pub fn reporter(&self, node: &str, mode: ServiceBgpStatus) -> Reporter {
        let (reports_to, reports) = mpsc::channel(1024);
        let (sessions_to, sessions) = watch::channel(Sessions::new());
        let (standpoint_to, standpoint) = watch::channel(None);
        let (node_to, my_node) = watch::channel(Some(seen(node)));
        let (fit_to, fit) = watch::channel(BTreeSet::new());
        let (events, told) = EventSink::pair();
        let writers = Writers::new(&self.speaker, NAMESPACE, node, my_node.clone(), fit, mode);
        let beside = report::state::Beside { standpoint, crowded: writers.crowded() };
        let state = report::state::run(self.speaker.clone(), NAMESPACE.to_owned(), node.to_owned(), my_node, beside);
        tokio::spawn(state);
        let task = tokio::spawn(report::run(reports, sessions, events, writers));
        standpoint_to.send_replace(Some(Standpoint::default()));
        Reporter {
            reports: reports_to,
            sessions: sessions_to,
            _standpoint: standpoint_to,
            _node: node_to,
            _fit: fit_to,
            told,
            task,
        }
    }

    /// Writes what the speaker of a node would have written of a Service.
    pub async fn leave(&self, node: &str, service: &str, peers: &[&str]) {
        // As the speaker names it.
        let digest = Sha256::digest(format!("default/{service}/{node}"));
        let digest: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let name = format!("bgp-{digest}");
        let labels = json!({
            "metallb.io/node": node, "metallb.io/service-name": service, "metallb.io/service-namespace": "default",
        });
        let object = json!({
            "apiVersion": "metallb.io/v1beta1", "kind": "ServiceBGPStatus", "metadata": {"name": name, "labels": labels},
            "spec": {},
        });
        self.routes.create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await.unwrap();
        let status = json!({"node": node, "serviceName": service, "serviceNamespace": "default", "peers": peers});
        let patch = Patch::Merge(json!({ "status": status }));
        self.routes.patch_status(&name, &PatchParams::default(), &patch).await.unwrap();
    }

    /// An object of a speaker of another node, half made.
    pub async fn half(&self, name: &str) {
        let object = json!({
            "apiVersion": "metallb.io/v1beta1", "kind": "ServiceBGPStatus", "metadata": {"name": name}, "spec": {},
        });
        self.routes.create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await.unwrap();
    }

    /// How many requests speakers have made to change objects of a kind.
    pub fn writes(&self, resource: &str) -> u64 {
        let of_speakers = format!("system:serviceaccount:{NAMESPACE}:{SPEAKER}");
        let all = self.server.requests();
        let ours = all.iter().filter(|one| one.are_writes() && one.user == of_speakers && one.resource == resource);
        ours.map(|one| one.count).sum()
    }
}

impl Reporter {
    /// These peers have the routes of a Service.
    pub async fn routes(&self, service: &str, peers: Option<&[&str]>) {
        let peers: Option<Peers> = peers.map(|peers| Arc::new(peers.iter().map(|peer| (*peer).to_owned()).collect()));
        let service = ServiceKey::new("default", service);
        self.reports.send(Report::Routes { service, uid: "u".to_owned(), peers }).await.unwrap();
    }

    pub async fn settle(&self) {
        self.reports.send(Report::Settled).await.unwrap();
    }

    /// Ends, as a speaker does, and waits for it.
    pub async fn ended(self) {
        drop(self.reports);
        tokio::time::timeout(PATIENCE, self.task).await.unwrap().unwrap();
    }

    /// The notes of the Events so far.
    pub fn events(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.told.try_recv().ok()).map(|notice| notice.note).collect()
    }
}

/// Waits until something is so.
pub async fn until<F: Future<Output = bool>>(what: &str, is: impl Fn() -> F) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !is().await {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    assert!(waited.await.is_ok(), "{what}: not within {PATIENCE:?}");
}

fn seen(name: &str) -> NodeSeen {
    NodeSeen {
        name: name.to_owned(),
        uid: format!("uid-of-{name}"),
        labels: [].into(),
        network_unavailable: false,
        cordoned: false,
        draining: false,
        internal_ips: Vec::new(),
        ready: true,
    }
}

async fn client(kubeconfig: &str) -> Client {
    let config = Kubeconfig::from_yaml(kubeconfig).unwrap();
    let config = kube::Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await.unwrap();
    Client::try_from(config).unwrap()
}

async fn create<K>(api: &Api<K>, yaml: &str)
where
    K: Resource + Clone + std::fmt::Debug + Serialize + DeserializeOwned,
{
    let object: K = serde_saphyr::from_str(yaml).unwrap();
    api.create(&PostParams::default(), &object).await.unwrap();
}
