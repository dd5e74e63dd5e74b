//! What a server is started with.

use std::net::TcpListener;
use std::time::Duration;

/// How to start a server. `Options::default()` listens nowhere: give at least one listener.
#[derive(Debug)]
pub struct Options {
    /// Bound sockets to serve on, each from the network namespace it is to be reached in.
    pub listeners: Vec<TcpListener>,
    /// Further host names and addresses for the server's certificate. The listeners' addresses, `localhost` and
    /// `kubernetes.default.svc` are always in it.
    pub host_names: Vec<String>,
    /// Bearer token of the administrator (group `system:masters`).
    pub admin_token: String,
    /// How slow writes are; `None` is as fast as possible.
    pub profile: Option<Profile>,
    /// Events remembered per resource, for watches that start or lag behind.
    pub history: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listeners: Vec::new(),
            host_names: Vec::new(),
            admin_token: "lab-admin-token".to_owned(),
            profile: None,
            history: 16_384,
        }
    }
}

/// How long writes take: a fixed time each, spread by a jitter, and no more than so many a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Profile {
    /// Mean time from request to answer of one write.
    pub write: Duration,
    /// Largest deviation from it, either way.
    pub jitter: Duration,
    /// Writes that finish in one second at most.
    pub writes_per_second: u32,
}

impl Profile {
    /// What a kube-apiserver with etcd on two shared cores was measured to do: about 8 ms a write, 130 writes/s.
    pub const REALISTIC: Self =
        Self { write: Duration::from_millis(8), jitter: Duration::from_millis(2), writes_per_second: 130 };
}
