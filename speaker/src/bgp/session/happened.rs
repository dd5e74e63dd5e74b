//! What a session waits for. All of it can be waited for again after something else happened.

use std::future::Future;
use std::io;
use std::pin::Pin;

use herald_bgp::state::Connection;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::Command;
use crate::bgp::connection::Wire;
use crate::bgp::status::Status;

/// A connection being made.
pub(super) type Dial = Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send>>;

/// What a session waits for.
pub(super) enum Happened {
    /// The sessions before this one have ended.
    Begin,
    Command(Command),
    Dialed(io::Result<TcpStream>),
    Ready(Connection),
    Time,
}

pub(super) async fn ended(before: &mut Vec<watch::Receiver<Status>>) {
    if before.is_empty() {
        std::future::pending().await
    }
    while let Some(session) = before.last_mut() {
        while session.changed().await.is_ok() {}
        before.pop();
    }
}

pub(super) async fn dialed(dial: &mut Option<Dial>) -> io::Result<TcpStream> {
    match dial {
        Some(dial) => dial.await,
        None => std::future::pending().await,
    }
}

pub(super) async fn ready(wire: Option<&Wire>) {
    match wire {
        Some(wire) => wire.ready().await,
        None => std::future::pending().await,
    }
}

pub(super) async fn until(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
