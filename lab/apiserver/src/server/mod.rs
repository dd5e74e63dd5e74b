//! The running server: listeners, TLS, connections, and the handle its owner keeps.
//!
//! Listeners are handed in already bound, because only the caller knows in which network namespace each belongs. The
//! sockets stay open for the server's whole life; an outage is played by closing every connection at once
//! ([`Handle::stop_serving`]), since a closed listener could not be opened again from here.

mod accept;
mod kubeconfig;
mod options;
mod pace;
mod tally;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

pub use options::{Options, Profile};
pub(crate) use pace::Pace;
pub use tally::Requests;
pub(crate) use tally::Tally;

use crate::api::Api;
use accept::Phase;
use tls::Certificates;

/// Starts servers.
#[derive(Debug)]
pub struct ApiServer;

impl ApiServer {
    /// Starts a server on the current tokio runtime, with the default namespaces and nothing else.
    ///
    /// # Errors
    /// When no tokio runtime is running here, a certificate cannot be made, or a listener cannot be used.
    pub fn start(options: Options) -> io::Result<Handle> {
        let Options { listeners, host_names, admin_token, profile, history } = options;
        let runtime = tokio::runtime::Handle::try_current().map_err(io::Error::other)?;
        let mut addresses = Vec::with_capacity(listeners.len());
        for listener in &listeners {
            addresses.push(listener.local_addr()?);
        }
        let certificates = Certificates::make(&host_names, &addresses)?;
        let api = Api::new(&admin_token, history, Pace::new(profile));
        crate::registry::bootstrap(&api);

        let (phase, _) = watch::channel(Phase::Serving(0));
        for listener in listeners {
            listener.set_nonblocking(true)?;
            let listener = tokio::net::TcpListener::from_std(listener)?;
            runtime.spawn(accept::accept_loop(listener, certificates.acceptor(), Arc::clone(&api), phase.subscribe()));
        }
        Ok(Handle { api, phase, addresses, certificates, admin_token })
    }
}

/// A running server. Dropping it shuts the server down.
#[derive(Debug)]
pub struct Handle {
    api: Arc<Api>,
    phase: watch::Sender<Phase>,
    addresses: Vec<SocketAddr>,
    certificates: Certificates,
    admin_token: String,
}

impl Handle {
    /// The addresses served, in the order the listeners were given.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The certificate of the CA that signed the server's certificate, as PEM.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        self.certificates.ca_pem()
    }

    /// The administrator's bearer token (user `admin`, group `system:masters`).
    #[must_use]
    pub fn admin_token(&self) -> &str {
        &self.admin_token
    }

    /// A kubeconfig file for the administrator. `server_url` is how the caller reaches the server, such as
    /// `https://127.0.0.1:6443`; its host must be a listener's address or one of [`Options::host_names`].
    #[must_use]
    pub fn admin_kubeconfig(&self, server_url: &str) -> String {
        self.kubeconfig_for(server_url, "admin", &self.admin_token)
    }

    /// A kubeconfig file for any bearer token; `user` only names the entry.
    #[must_use]
    pub fn kubeconfig_for(&self, server_url: &str, user: &str, token: &str) -> String {
        kubeconfig::render(server_url, self.ca_pem(), user, token)
    }

    /// A token for a service account, as a TokenRequest would give, but without the API. The service account need not
    /// exist; what it may do is what RBAC objects say.
    #[must_use]
    pub fn service_account_token(&self, namespace: &str, name: &str) -> String {
        self.api.auth.service_account_token(namespace, name)
    }

    /// A token for a user with groups, for tests of RBAC.
    #[must_use]
    pub fn user_token(&self, user: &str, groups: &[&str]) -> String {
        self.api.auth.user_token(&self.api.ids, user, groups)
    }

    /// Plays a compaction of etcd: exact old versions and continue tokens are gone, watches go on.
    pub fn compact(&self) {
        self.api.store.compact();
    }

    /// Plays a restart over the same data: every connection is cut, event history is forgotten.
    pub fn restart(&self) {
        self.api.store.forget_history();
        self.phase.send_modify(|phase| *phase = Phase::Serving(phase.generation() + 1));
    }

    /// Plays an outage: every connection is cut, and new ones are closed as soon as they are made.
    pub fn stop_serving(&self) {
        self.phase.send_modify(|phase| *phase = Phase::Away(phase.generation() + 1));
    }

    /// Ends an outage.
    pub fn resume(&self) {
        self.phase.send_modify(|phase| *phase = Phase::Serving(phase.generation() + 1));
    }

    /// Makes writes slower or faster from now on; `None` is as fast as possible.
    pub fn set_profile(&self, profile: Option<Profile>) {
        self.api.pace.set_profile(profile);
    }

    /// Holds every request back by this much from now on, reads and the beginnings of watches too.
    pub fn set_delay(&self, delay: Duration) {
        self.api.pace.set_delay(delay);
    }

    /// How many requests were made since the start: by whom, what for, how often.
    #[must_use]
    pub fn requests(&self) -> Vec<Requests> {
        self.api.tally.all()
    }

    /// Cuts every connection and closes the listeners. Dropping the handle does the same.
    pub fn shutdown(self) {}
}
