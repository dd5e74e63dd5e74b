//! The two small HTTP servers: health for the kubelet, metrics for Prometheus.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::flags::BindAddress;

/// What the program still waits for before it does its job; `/readyz` says it.
#[derive(Debug, Clone)]
pub struct Readiness {
    waiting: Arc<watch::Sender<BTreeMap<&'static str, String>>>,
}

impl Readiness {
    /// Ready as long as nobody says what is missing.
    #[must_use]
    pub fn new() -> Self {
        Self { waiting: Arc::new(watch::Sender::new(BTreeMap::new())) }
    }

    /// Says that `what` is missing, and how or since when, for a person.
    pub fn missing(&self, what: &'static str, why: impl Into<String>) {
        let why = why.into();
        self.waiting.send_if_modified(|waiting| waiting.insert(what, why.clone()).as_ref() != Some(&why));
    }

    /// Says that `what` is there now.
    pub fn there(&self, what: &'static str) {
        self.waiting.send_if_modified(|waiting| waiting.remove(what).is_some());
    }

    /// Whether nothing is missing.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.waiting.borrow().is_empty()
    }

    fn answer(&self) -> (StatusCode, String) {
        let waiting = self.waiting.borrow();
        if waiting.is_empty() {
            return (StatusCode::OK, "ok\n".to_owned());
        }
        let lines = waiting.iter().map(|(what, why)| format!("{what}: {why}\n")).collect();
        (StatusCode::SERVICE_UNAVAILABLE, lines)
    }
}

impl Default for Readiness {
    fn default() -> Self {
        Self::new()
    }
}

/// Serves `/healthz`, `/livez` (always 200 while the program runs) and `/readyz` in the background.
///
/// # Errors
/// When the address can't be bound; the text names the flag.
pub async fn health(bind: BindAddress, readiness: Readiness) -> anyhow::Result<()> {
    let routes = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(|State(readiness): State<Readiness>| async move { readiness.answer() }))
        .with_state(readiness);
    spawn("--health-bind-address", bind, routes).await
}

/// Serves `/metrics` in the background.
///
/// # Errors
/// When the address can't be bound; the text names the flag.
pub async fn metrics(bind: BindAddress, registry: Registry) -> anyhow::Result<()> {
    let routes = Router::new().route("/metrics", get(encode)).with_state(Arc::new(registry));
    spawn("--metrics-bind-address", bind, routes).await
}

async fn encode(State(registry): State<Arc<Registry>>) -> Response {
    let mut text = String::new();
    match prometheus_client::encoding::text::encode(&mut text, &registry) {
        Ok(()) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn spawn(flag: &'static str, bind: BindAddress, routes: Router) -> anyhow::Result<()> {
    let BindAddress::At(address) = bind else { return Ok(()) };
    let listener =
        listen(address).await.map_err(|error| anyhow::anyhow!("{flag}: {address} can't be listened on: {error}"))?;
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, routes).await {
            tracing::error!(flag, "HTTP server ended: {error}");
        }
    });
    Ok(())
}

/// Every address means IPv4 too on hosts without IPv6.
async fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    match TcpListener::bind(address).await {
        Err(_) if address.is_ipv6() && address.ip().is_unspecified() => {
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, address.port())).await
        }
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_names_what_is_missing() {
        let readiness = Readiness::new();
        assert!(readiness.is_ready());
        readiness.missing("caches", "Services not listed yet");
        let (status, text) = readiness.answer();
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(text, "caches: Services not listed yet\n");
        readiness.there("caches");
        assert_eq!(readiness.answer().0, StatusCode::OK);
    }
}
