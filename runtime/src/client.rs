//! A client for the API server, from a kubeconfig or from the pod's ServiceAccount.

use std::path::Path;
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

/// How long to wait for a TCP connection to the API server.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Why there is no client; the text says what to check.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The file of `--kubeconfig` can't be used.
    #[error("--kubeconfig {path}: {source}")]
    Kubeconfig {
        /// The path as given.
        path: String,
        /// What kube says of it.
        source: Box<kube::config::KubeconfigError>,
    },
    /// Neither a kubeconfig nor a ServiceAccount was found.
    #[error("no way to the API server: give --kubeconfig or KUBECONFIG, or run in a pod with a ServiceAccount ({0})")]
    NoConfiguration(#[source] Box<kube::config::InferConfigError>),
    /// The client can't be made from it (certificates, keys).
    #[error("the client configuration can't be used: {0}")]
    Unusable(#[source] Box<kube::Error>),
}

/// Makes a client: the kubeconfig if one is given, else `$KUBECONFIG`, else the pod's ServiceAccount.
///
/// # Errors
/// [`ClientError`], before anything is sent: an API server that does not answer is no error here.
pub async fn connect(kubeconfig: Option<&Path>) -> Result<Client, ClientError> {
    let mut config = match kubeconfig {
        Some(path) => {
            let failed =
                |source| ClientError::Kubeconfig { path: path.display().to_string(), source: Box::new(source) };
            let file = Kubeconfig::read_from(path).map_err(failed)?;
            Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.map_err(failed)?
        }
        None => Config::infer().await.map_err(|error| ClientError::NoConfiguration(Box::new(error)))?,
    };
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    Client::try_from(config).map_err(|error| ClientError::Unusable(Box::new(error)))
}
