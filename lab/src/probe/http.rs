//! One HTTP request, like `curl`.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
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

/// Gets `http://address:port/` from a client's namespace.
///
/// # Errors
/// When nobody answers within `patience`, or not with a pod's page.
pub fn get(client: &Machine, address: Ipv4Addr, port: u16, patience: Duration) -> Result<Page> {
    client.namespace.run(move || request((address, port).into(), patience))?
}

/// Tries again and again, as a person would: an address is announced a moment before the data path of its node is
/// programmed, and what arrives in between is lost.
fn connect(target: SocketAddr, patience: Duration) -> Result<TcpStream> {
    const ATTEMPT: Duration = Duration::from_millis(250);
    let give_up = clock::now() + patience;
    loop {
        match TcpStream::connect_timeout(&target, ATTEMPT) {
            Ok(stream) => return Ok(stream),
            Err(error) if clock::now() >= give_up => {
                return Err(error).with_context(|| format!("connect to http://{target}/"));
            }
            Err(_) => {}
        }
    }
}

fn request(target: SocketAddr, patience: Duration) -> Result<Page> {
    let mut stream = connect(target, patience)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    write!(stream, "GET / HTTP/1.1\r\nHost: {target}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    // A page is under 300 bytes; a limit keeps a broken server from filling us.
    stream.take(64 * 1024).read_to_string(&mut answer).with_context(|| format!("read http://{target}/"))?;
    let Some((head, body)) = answer.split_once("\r\n\r\n") else {
        bail!("http://{target}/ answered something that is not HTTP: {answer:?}");
    };
    let status = head.lines().next().unwrap_or_default();
    if !status.starts_with("HTTP/1.1 200") {
        bail!("http://{target}/ answered {status:?}");
    }
    serde_json::from_str(body).with_context(|| format!("http://{target}/ answered {body:?}"))
}
