//! The control plane: an API server and how to reach it.
//!
//! Two addresses: one on the host's loopback, for the lab and for a user's
//! `kubectl`, and one on the lab's LAN, for Herald's programs. The server is
//! the [embedded](herald_apiserver) one, or, if `KUBEBUILDER_ASSETS` names a
//! folder with them, a real [`kube-apiserver` with its `etcd`](external).

mod embedded;
mod external;
mod forward;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use herald_apiserver::Handle;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::PostParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde_json::json;

use super::files;
use crate::topology::Machine;

/// The port on the LAN, as usual for kube-apiserver.
const LAN_PORT: u16 = 6443;

/// How long a program's token is valid, in seconds: longer than any lab lives.
const TOKEN_SECONDS: i64 = 7 * 24 * 3600;

/// A running API server.
#[derive(Debug)]
pub struct ControlPlane {
    server: Server,
    host_url: String,
    lan_url: String,
    /// The certificate that the server's is to be checked with.
    ca_file: PathBuf,
    admin_token: String,
}

/// Which server it is.
#[derive(Debug)]
enum Server {
    Embedded(Handle),
    External(external::External),
}

impl ControlPlane {
    /// Starts the API server. `dir` is for its certificate, data and logs.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn start(machine: &Machine, dir: &Path) -> Result<Self> {
        match std::env::var_os("KUBEBUILDER_ASSETS") {
            Some(assets) => external::start(machine, dir, Path::new(&assets)).await,
            None => embedded::start(machine, dir),
        }
    }

    /// The embedded server, to play outages, restarts and compactions.
    ///
    /// # Errors
    /// With an external server, which cannot play them.
    pub fn embedded(&self) -> Result<&Handle> {
        match &self.server {
            Server::Embedded(handle) => Ok(handle),
            Server::External(external) => bail!("{} can't play this", external.name()),
        }
    }

    /// The administrator's kubeconfig, for use on the host.
    #[must_use]
    pub fn admin_kubeconfig(&self) -> String {
        self.kubeconfig(&self.host_url, "admin", &self.admin_token)
    }

    /// The administrator's client.
    ///
    /// # Errors
    /// When the client cannot be made.
    pub async fn admin(&self) -> Result<Client> {
        client(&self.admin_kubeconfig()).await
    }

    /// A kubeconfig with a ServiceAccount's rights, for use on the lab's LAN.
    ///
    /// # Errors
    /// When the server gives no token.
    pub async fn service_account_kubeconfig(&self, namespace: &str, name: &str) -> Result<String> {
        let token = self.token(namespace, name).await?;
        Ok(self.kubeconfig(&self.lan_url, name, &token))
    }

    /// A client with a ServiceAccount's rights, for use on the host.
    ///
    /// # Errors
    /// When the server gives no token.
    pub async fn client_as(&self, namespace: &str, name: &str) -> Result<Client> {
        let token = self.token(namespace, name).await?;
        client(&self.kubeconfig(&self.host_url, name, &token)).await
    }

    /// A ServiceAccount's token, as a kubelet asks for it.
    async fn token(&self, namespace: &str, name: &str) -> Result<String> {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.admin().await?, namespace);
        let request = TokenRequest {
            spec: TokenRequestSpec { expiration_seconds: Some(TOKEN_SECONDS), ..TokenRequestSpec::default() },
            ..TokenRequest::default()
        };
        let answer = accounts
            .create_token_request(name, &PostParams::default(), &request)
            .await
            .with_context(|| format!("ask for a token of ServiceAccount {namespace}/{name}"))?;
        Ok(answer.status.context("the server gave no token")?.token)
    }

    /// A kubeconfig as JSON, which is YAML too.
    fn kubeconfig(&self, url: &str, user: &str, token: &str) -> String {
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "lab", "cluster": {"server": url, "certificate-authority": self.ca_file}}],
            "users": [{"name": user, "user": {"token": token}}],
            "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": user}}],
            "current-context": "lab",
        });
        format!("{config:#}\n")
    }
}

async fn client(kubeconfig: &str) -> Result<Client> {
    let kubeconfig = Kubeconfig::from_yaml(kubeconfig).context("read a kubeconfig")?;
    let config =
        Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.context("use a kubeconfig")?;
    Client::try_from(config).context("make a client")
}

/// Writes the certificate that clients check the server's with.
fn write_ca(dir: &Path, pem: &str) -> Result<PathBuf> {
    let path = dir.join("ca.pem");
    files::write_secret(&path, pem)?;
    Ok(path)
}
