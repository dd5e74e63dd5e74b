//! The embedded API server: a test double for kube-apiserver, in process and in memory.
//!
//! Stock `kubectl` and kube-rs talk to it over HTTPS as they would to the real one. It is never shipped: it exists so
//! that Herald's programs, the lab and the end-to-end suites need no Kubernetes. How faithful it is, is shown by
//! replaying recordings of a real kube-apiserver (`tests/golden.rs`).
//!
//! A request's way through the modules:
//!
//! ```text
//! server  (TLS, connections, certificates, kubeconfigs)
//!   └─ http  (path → what is asked; auth: who asks, may they; answers in the form asked for)
//!        ├─ discovery, openapi  (what there is, and what it looks like)
//!        └─ rest  (get, list, watch, create, update, patch, delete: the same for every resource)
//!             ├─ decode    (typed decoding of built-in kinds)
//!             ├─ registry  (which resources there are, and what is special about each: one file per kind)
//!             ├─ crd       (definitions, and the custom resources they define)
//!             ├─ table     (what `kubectl get` prints)
//!             ├─ meta      (names, times, selectors: what all objects have in common)
//!             └─ store     (objects, one resourceVersion counter, event history, watchers)
//! ```
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
//! let url = format!("https://{}", listener.local_addr()?);
//! let server = herald_apiserver::ApiServer::start(herald_apiserver::Options {
//!     listeners: vec![listener],
//!     ..Default::default()
//! })?;
//! let kubeconfig = server.admin_kubeconfig(&url);
//! # drop(kubeconfig); Ok(())
//! # }
//! ```

mod api;
mod auth;
mod crd;
mod decode;
mod discovery;
mod error;
mod http;
mod meta;
mod openapi;
mod registry;
mod rest;
mod server;
mod store;
mod table;

pub use server::{ApiServer, Handle, Options, Profile, Requests};
