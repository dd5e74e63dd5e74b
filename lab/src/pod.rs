//! The pod: a small server that says who it is.
//!
//! Over HTTP (with keep-alive) it answers every request with a JSON page
//! naming the pod, its node and the client as it saw it; over UDP it sends
//! each datagram back. `herald-lab pod` runs it inside a pod's namespace.
//! SIGTERM ends nothing: a terminating pod serves until it is killed, which is
//! what graceful termination looks like from outside.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;

use anyhow::{Context as _, Result};
use nix::sys::signal::{SigSet, Signal};

use crate::probe::http::Page;

/// The longest request head the pod reads.
const LONGEST_LINE: usize = 8 * 1024;

/// Who the pod is and where it listens.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The pod's name.
    pub pod: String,
    /// The name of the node it runs on.
    pub node: String,
}

/// Serves until the process is killed.
///
/// # Errors
/// When a port cannot be bound.
pub fn serve(identity: &Identity, port: u16) -> Result<()> {
    let mut deaf = SigSet::empty();
    deaf.add(Signal::SIGTERM);
    deaf.thread_block().context("block SIGTERM")?;
    let everywhere = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
    let tcp = TcpListener::bind(everywhere).with_context(|| format!("listen on TCP {port}"))?;
    let udp = UdpSocket::bind(everywhere).with_context(|| format!("listen on UDP {port}"))?;
    thread::Builder::new().name("udp-echo".to_owned()).spawn(move || echo(&udp))?;
    for stream in tcp.incoming() {
        // A probe that resets at once makes accept fail; the next one counts.
        let Ok(stream) = stream else { continue };
        let identity = identity.clone();
        thread::Builder::new()
            .name("http".to_owned())
            .stack_size(64 * 1024)
            // A client that goes away ends its own conversation only.
            .spawn(move || drop(converse(stream, &identity)))?;
    }
    Ok(())
}

fn echo(socket: &UdpSocket) {
    let mut buffer = [0; 2048];
    loop {
        let Ok((len, from)) = socket.recv_from(&mut buffer) else { continue };
        let Some(datagram) = buffer.get(..len) else { continue };
        // An answer that cannot be sent is a lost datagram, as UDP goes.
        let _ = socket.send_to(datagram, from);
    }
}

fn converse(mut stream: TcpStream, identity: &Identity) -> Result<()> {
    let client = stream.peer_addr()?.ip().to_canonical();
    let page = Page { pod: identity.pod.clone(), node: identity.node.clone(), client: client.to_string() };
    let mut body = serde_json::to_string(&page)?;
    body.push('\n');
    stream.set_nodelay(true)?;
    let mut requests = BufReader::new(stream.try_clone()?);
    while let Some(close) = read_head(&mut requests)? {
        let connection = if close { "close" } else { "keep-alive" };
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             Connection: {connection}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes())?;
        if close {
            break;
        }
    }
    Ok(())
}

/// Reads a request's head. `None` at the end of the connection, otherwise
/// whether the client wants it closed after the answer.
fn read_head(requests: &mut BufReader<TcpStream>) -> Result<Option<bool>> {
    let mut close = false;
    loop {
        let mut line = Vec::new();
        let mut limited = std::io::Read::take(&mut *requests, LONGEST_LINE as u64);
        if limited.read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        let line = line.trim_ascii().to_ascii_lowercase();
        if line.is_empty() {
            return Ok(Some(close));
        }
        close |= line == b"connection: close";
    }
}
