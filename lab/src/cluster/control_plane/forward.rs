//! Forwards TCP connections from the host into a namespace.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::io::copy_bidirectional;
use tokio::task::{AbortHandle, JoinSet};

use crate::namespace::Namespace;

/// How long a connection may take to be made.
const PATIENCE: Duration = Duration::from_secs(2);

/// A running forwarder; ends, with its connections, when dropped.
#[derive(Debug)]
pub(super) struct Forwarder(AbortHandle);

impl Forwarder {
    pub(super) fn start(listener: TcpListener, namespace: Namespace, target: SocketAddr) -> Result<Self> {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener).context("listen")?;
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((outside, _)) = listener.accept().await {
                while connections.try_join_next().is_some() {}
                let namespace = namespace.clone();
                // A connection that fails is seen by the one who made it.
                connections.spawn(async move { drop(carry(outside, &namespace, target).await) });
            }
        });
        Ok(Self(task.abort_handle()))
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn carry(mut outside: tokio::net::TcpStream, namespace: &Namespace, target: SocketAddr) -> Result<()> {
    let inside = namespace.run(move || TcpStream::connect_timeout(&target, PATIENCE))??;
    inside.set_nonblocking(true)?;
    let mut inside = tokio::net::TcpStream::from_std(inside)?;
    copy_bidirectional(&mut outside, &mut inside).await?;
    Ok(())
}
