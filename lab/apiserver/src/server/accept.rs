//! Connections: accepted, wrapped in TLS, served until the phase changes.

use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::api::Api;

/// Whether the server answers. Each change raises the generation and cuts every connection of the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Answers.
    Serving(u64),
    /// Plays an outage.
    Away(u64),
}

impl Phase {
    pub(super) fn generation(self) -> u64 {
        let (Self::Serving(generation) | Self::Away(generation)) = self;
        generation
    }
}

/// Accepts until the handle is gone.
pub(super) async fn accept_loop(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    api: Arc<Api>,
    mut phase: watch::Receiver<Phase>,
) {
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::debug!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(20)).await; // out of file descriptors, most likely
                    continue;
                }
            },
            gone = handle_gone(&mut phase) => {
                let () = gone;
                return;
            }
        };
        let now = *phase.borrow();
        if matches!(now, Phase::Away(_)) {
            continue; // closed at once
        }
        tokio::spawn(connection(stream, acceptor.clone(), Arc::clone(&api), phase.clone(), now.generation()));
    }
}

async fn handle_gone(phase: &mut watch::Receiver<Phase>) {
    while phase.changed().await.is_ok() {}
}

async fn connection(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    api: Arc<Api>,
    mut phase: watch::Receiver<Phase>,
    generation: u64,
) {
    let serve = async {
        stream.set_nodelay(true)?;
        let tls = acceptor.accept(stream).await?;
        let service = service_fn(move |request| crate::http::handle(Arc::clone(&api), request));
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new());
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(10_000)
            .initial_connection_window_size(16 * 1024 * 1024);
        builder.serve_connection(TokioIo::new(tls), service).await.map_err(std::io::Error::other)
    };
    let cut = phase.wait_for(|now| now.generation() != generation);
    tokio::select! {
        served = serve => if let Err(error) = served {
            tracing::debug!(%error, "connection ended");
        },
        _ = cut => {}
    }
}
