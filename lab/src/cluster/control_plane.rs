//! The control plane: an API server and how to reach it.
//!
//! One server, two listeners: on the host's loopback for the lab and for a
//! user's `kubectl`, and on the lab's LAN for Herald's programs.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use anyhow::{Context as _, Result};
use herald_apiserver::{ApiServer, Handle, Options};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use super::files;
use crate::topology::Machine;

/// The port on the LAN, as usual for kube-apiserver.
const LAN_PORT: u16 = 6443;

/// A running API server.
#[derive(Debug)]
pub struct ControlPlane {
    server: Handle,
    host_url: String,
    lan_url: String,
}

impl ControlPlane {
    /// Starts the embedded API server.
    ///
    /// # Errors
    /// When a listener cannot be bound.
    pub fn start(machine: &Machine) -> Result<Self> {
        let host = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("listen on the loopback")?;
        let host_url = format!("https://{}", host.local_addr()?);
        let lan_address = (machine.station.v4(), LAN_PORT);
        let lan = machine
            .namespace
            .run(move || TcpListener::bind(lan_address))?
            .context("listen in the control plane's namespace")?;
        let lan_url = format!("https://{}", lan.local_addr()?);
        let token = files::random_hex::<16>()?;
        let server = ApiServer::start(Options { listeners: vec![host, lan], admin_token: token, ..Options::default() })
            .context("start the API server")?;
        Ok(Self { server, host_url, lan_url })
    }

    /// The server itself, to play outages, restarts and compactions.
    #[must_use]
    pub fn server(&self) -> &Handle {
        &self.server
    }

    /// The administrator's kubeconfig for use on the host.
    #[must_use]
    pub fn admin_kubeconfig(&self) -> String {
        self.server.admin_kubeconfig(&self.host_url)
    }

    /// A kubeconfig for a ServiceAccount, for use on the lab's LAN.
    #[must_use]
    pub fn service_account_kubeconfig(&self, namespace: &str, name: &str) -> String {
        let token = self.server.service_account_token(namespace, name);
        self.server.kubeconfig_for(&self.lan_url, name, &token)
    }

    /// A client with a ServiceAccount's rights, for use on the host.
    ///
    /// # Errors
    /// When the client cannot be made.
    pub async fn client_as(&self, namespace: &str, name: &str) -> Result<Client> {
        let token = self.server.service_account_token(namespace, name);
        client(&self.server.kubeconfig_for(&self.host_url, name, &token)).await
    }

    /// The administrator's client.
    ///
    /// # Errors
    /// When the client cannot be made.
    pub async fn admin(&self) -> Result<Client> {
        client(&self.admin_kubeconfig()).await
    }

    /// Writes the administrator's kubeconfig to a file only root can read.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_admin_kubeconfig(&self, path: &Path) -> Result<()> {
        files::write_secret(path, &self.admin_kubeconfig())
    }
}

async fn client(kubeconfig: &str) -> Result<Client> {
    let kubeconfig = Kubeconfig::from_yaml(kubeconfig).context("read a kubeconfig")?;
    let config =
        Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.context("use a kubeconfig")?;
    Client::try_from(config).context("make a client")
}
