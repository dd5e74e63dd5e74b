//! One HTTP request, like `curl`.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use crate::clock;
use crate::topology::Machine;

/// What the lab's pods answer (see `herald-lab pod`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// The pod that answered.
    pub pod: String,
    /// The node it runs on.
    pub node: String,
    /// The address the pod saw as the client's.
    pub client: String,
}

/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_millis(250);

/// The longest answer that is read, in bytes.
const LONGEST: u64 = 4 << 20;

/// Pause between attempts.
const PAUSE: Duration = Duration::from_millis(10);

/// Gets `http://address:port/` from a client's namespace, like a user who
/// reloads until the page is there: a node may hear of an address a moment
/// before its data path does.
///
/// # Errors
/// The last attempt's, when none succeeds within `patience`.
pub fn get(client: &Machine, address: impl Into<IpAddr>, port: u16, patience: Duration) -> Result<Page> {
    let address = address.into();
    let deadline = clock::now() + patience;
    client.namespace.run(move || {
        loop {
            let left = deadline.saturating_duration_since(clock::now());
            let attempt = request((address, port).into(), left.clamp(PAUSE, ATTEMPT));
            if attempt.is_ok() || clock::now() + PAUSE >= deadline {
                return attempt;
            }
            thread::sleep(PAUSE);
        }
    })?
}

fn request(target: SocketAddr, patience: Duration) -> Result<Page> {
    let (status, body) = fetch(target, "/", patience)?;
    if status != 200 {
        bail!("http://{target}/ answered {status}");
    }
    serde_json::from_str(&body).with_context(|| format!("http://{target}/ answered {body:?}"))
}

/// One GET from the calling thread's namespace: status and body.
///
/// # Errors
/// When nobody answers within `patience`, or not in HTTP.
pub fn fetch(target: SocketAddr, path: &str, patience: Duration) -> Result<(u16, String)> {
    let mut stream =
        TcpStream::connect_timeout(&target, patience).with_context(|| format!("connect to http://{target}{path}"))?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {target}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    // A limit keeps a broken server from filling us.
    stream.take(LONGEST).read_to_string(&mut answer).with_context(|| format!("read http://{target}{path}"))?;
    answer
        .split_once("\r\n\r\n")
        .and_then(|(head, body)| {
            let status = head.strip_prefix("HTTP/1.1 ")?.split(' ').next()?.parse().ok()?;
            Some((status, body.to_owned()))
        })
        .with_context(|| format!("http://{target}{path} answered something that is not HTTP: {answer:?}"))
}
