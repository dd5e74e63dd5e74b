//! A real API over HTTPS (the embedded API server) with a controller in this process.

use std::net::TcpListener;
use std::time::Duration;

use herald_apiserver::{ApiServer, Handle, Options};
use herald_controller::lead::{Candidate, Leadership, Timing};
use herald_controller::metrics::Metrics;
use herald_controller::run::{Parts, run};
use herald_controller::watch::names;
use herald_crds::IPAddressPool;
use herald_runtime::events::EventSink;
use herald_runtime::serve::Readiness;
use herald_runtime::shutdown::{Shutdown, Trigger};
use k8s_openapi::api::core::v1::{Event, Service};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, ResourceExt};
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// Namespace of the configuration objects.
pub const NAMESPACE: &str = "metallb-system";
/// Longer than anything here takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// An API server with Herald's kinds, and clients for it.
pub struct Cluster {
    pub server: Handle,
    url: String,
    pub client: Client,
    pub services: Api<Service>,
    pub pools: Api<IPAddressPool>,
}

/// A controller in this process.
pub struct Controller {
    trigger: Trigger,
    task: JoinHandle<()>,
    /// What takes part in leader election, if it does.
    candidate: Option<(Trigger, JoinHandle<()>)>,
    pub leadership: Leadership,
}

impl Cluster {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let server = ApiServer::start(Options { listeners: vec![listener], ..Options::default() }).unwrap();
        let config = Kubeconfig::from_yaml(&server.admin_kubeconfig(&url)).unwrap();
        let config = kube::Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await.unwrap();
        let client = Client::try_from(config).unwrap();
        let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
        for definition in herald_crds::definition::all().unwrap() {
            definitions.create(&PostParams::default(), &definition).await.unwrap();
        }
        let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(client.clone());
        let namespace = serde_json::from_value(json!({"metadata": {"name": NAMESPACE}})).unwrap();
        namespaces.create(&PostParams::default(), &namespace).await.unwrap();
        let services = Api::default_namespaced(client.clone());
        let pools = Api::namespaced(client.clone(), NAMESPACE);
        Self { server, url, client, services, pools }
    }

    /// A kubeconfig for programs.
    pub fn kubeconfig(&self) -> String {
        self.server.admin_kubeconfig(&self.url)
    }

    /// Starts a controller that runs alone.
    pub fn controller(&self) -> Controller {
        self.start_controller(Leadership::alone(), None)
    }

    /// Starts one of several controllers.
    pub fn replica(&self, name: &str, timing: Timing) -> Controller {
        let (candidate, leadership) = Candidate::new(self.client.clone(), NAMESPACE, name.to_owned(), timing);
        let (trigger, end) = Shutdown::pair();
        self.start_controller(leadership, Some((trigger, tokio::spawn(candidate.run(end)))))
    }

    fn start_controller(&self, leadership: Leadership, candidate: Option<(Trigger, JoinHandle<()>)>) -> Controller {
        let (trigger, shutdown) = Shutdown::pair();
        let (events, writer) = EventSink::start(self.client.clone(), "metallb-controller", None, 1000);
        let parts = Parts {
            events,
            readiness: Readiness::new(),
            metrics: Metrics::registered(&mut Registry::default()),
            leadership: leadership.clone(),
            lb_class: None,
            namespace: NAMESPACE.to_owned(),
        };
        let client = self.client.clone();
        let task = tokio::spawn(async move {
            run(client, parts, shutdown).await;
            writer.flush(PATIENCE).await;
        });
        Controller { trigger, task, candidate, leadership }
    }

    pub async fn create_pool(&self, name: &str, addresses: &[&str]) {
        let pool = json!({"metadata": {"name": name}, "spec": {"addresses": addresses}});
        let pool: IPAddressPool = serde_json::from_value(with_kind(pool)).unwrap();
        self.pools.create(&PostParams::default(), &pool).await.unwrap();
    }

    pub async fn create(&self, name: &str, annotations: Value) -> Service {
        let service = json!({
            "metadata": {"name": name, "annotations": annotations},
            "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]},
        });
        self.services.create(&PostParams::default(), &serde_json::from_value(service).unwrap()).await.unwrap()
    }

    pub async fn delete(&self, name: &str) {
        self.services.delete(name, &DeleteParams::default()).await.unwrap();
    }

    pub async fn patch(&self, name: &str, patch: Value) -> Service {
        self.services.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap()
    }

    pub async fn patch_status(&self, name: &str, patch: Value) -> Service {
        self.services.patch_status(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap()
    }

    /// Waits until a Service is as wanted.
    pub async fn until(&self, name: &str, wanted: impl Fn(&Service) -> bool) -> Service {
        let found = tokio::time::timeout(PATIENCE, async {
            loop {
                let service = self.services.get(name).await.unwrap();
                if wanted(&service) {
                    return service;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        match found.await {
            Ok(service) => service,
            Err(_) => panic!("never as wanted: {:#?}", self.services.get(name).await),
        }
    }

    /// Waits until a Service shows these addresses.
    pub async fn until_shows(&self, name: &str, addresses: &str) -> Service {
        self.until(name, |service| shown(service) == addresses).await
    }

    /// Waits until a pool is as wanted.
    pub async fn until_pool(&self, name: &str, wanted: impl Fn(&IPAddressPool) -> bool) -> IPAddressPool {
        let found = tokio::time::timeout(PATIENCE, async {
            loop {
                let pool = self.pools.get(name).await.unwrap();
                if wanted(&pool) {
                    return pool;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        match found.await {
            Ok(pool) => pool,
            Err(_) => panic!("never as wanted: {:#?}", self.pools.get(name).await),
        }
    }

    /// Waits until a Service says whether it is announced (in most tests here nobody does), so that nothing more will be
    /// written to it by itself.
    pub async fn until_told(&self, name: &str) -> Service {
        let told = |service: &Service| {
            let conditions = service.status.iter().filter_map(|status| status.conditions.as_ref()).flatten();
            conditions.into_iter().any(|condition| condition.type_ == names::ANNOUNCED)
        };
        self.until(name, told).await
    }

    /// Waits until the Events about an object are all there, and returns them as `reason: note`; without those that
    /// tell whether a Service is announced.
    pub async fn until_events(&self, about: &str, count: usize) -> Vec<String> {
        let announcing = |event: &String| event.starts_with("NotAnnounced: ") || event.starts_with("Announced: ");
        self.events(about, count, |event| !announcing(event)).await
    }

    /// Waits for Events of this reason about an object.
    pub async fn until_events_with(&self, about: &str, reason: &str) -> Vec<String> {
        self.events(about, 1, |event| event.starts_with(&format!("{reason}: "))).await
    }

    async fn events(&self, about: &str, count: usize, wanted: impl Fn(&String) -> bool) -> Vec<String> {
        let events: Api<Event> = Api::all(self.client.clone());
        let selection = ListParams::default().fields(&format!("involvedObject.name={about}"));
        let text = |text: Option<String>| text.unwrap_or_default();
        let found = tokio::time::timeout(PATIENCE, async {
            loop {
                let all = events.list(&selection).await.unwrap().items;
                let all = all.into_iter().map(|event| format!("{}: {}", text(event.reason), text(event.message)));
                let list: Vec<_> = all.filter(&wanted).collect();
                if list.len() >= count {
                    return list;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        found.await.unwrap_or_else(|_| panic!("not {count} Events about {about}"))
    }
}

impl Controller {
    /// Ends it in order.
    pub async fn stop(self) {
        self.trigger.request();
        tokio::time::timeout(PATIENCE, self.task).await.expect("it must end").unwrap();
        if let Some((end, task)) = self.candidate {
            end.request();
            tokio::time::timeout(PATIENCE, task).await.expect("it must end").unwrap();
        }
    }

    /// Ends it at once, as `kill -9` does.
    pub async fn kill(self) {
        // The triggers live on: without them everything would end in order.
        let (_end_candidate, candidate) = self.candidate.unzip();
        for task in candidate.into_iter().chain([self.task]) {
            task.abort();
            let _ = task.await;
        }
    }
}

fn with_kind(mut pool: Value) -> Value {
    pool["apiVersion"] = json!("metallb.io/v1beta1");
    pool["kind"] = json!("IPAddressPool");
    pool
}

/// The addresses in a Service's status.
pub fn shown(service: &Service) -> String {
    let ingress = service.status.as_ref().and_then(|status| status.load_balancer.as_ref()?.ingress.as_ref());
    let shown: Vec<_> = ingress.into_iter().flatten().filter_map(|one| one.ip.clone()).collect();
    shown.join(" ")
}

/// The pool that is recorded on a Service.
pub fn recorded_pool(service: &Service) -> Option<&str> {
    service.annotations().get(names::FROM_POOL).map(String::as_str)
}

/// Status and reason of the condition `metallb.io/Allocated`.
pub fn condition(service: &Service) -> Option<(&str, &str)> {
    let conditions = service.status.as_ref()?.conditions.as_ref()?;
    let condition = conditions.iter().find(|condition| condition.type_ == names::ALLOCATED)?;
    Some((&condition.status, &condition.reason))
}
