//! The server under test, and an HTTPS client that sends exactly what was recorded and nothing more.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use bytes::Bytes;
use herald_apiserver::{ApiServer, Handle, Options};
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

/// A fresh server.
pub struct Server {
    pub handle: Handle,
    address: SocketAddr,
    tls: TlsConnector,
}

/// Whose credentials a request carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    Admin,
    None,
    Token(String),
}

impl Server {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let handle = ApiServer::start(Options { listeners: vec![listener], ..Options::default() }).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(handle.ca_pem().as_bytes()).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { handle, address, tls: TlsConnector::from(Arc::new(config)) }
    }

    /// Sends one request on a connection of its own.
    pub async fn send(
        &self,
        method: &str,
        uri: &str,
        headers: &[(String, String)],
        credentials: &Credentials,
        body: Bytes,
    ) -> http::Response<Incoming> {
        let stream = tokio::net::TcpStream::connect(self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let tls = self.tls.connect(name, stream).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(tls)).await.unwrap();
        tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(uri).header("host", "localhost");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let token = match credentials {
            Credentials::Admin => Some(self.handle.admin_token()),
            Credentials::Token(token) => Some(token.as_str()),
            Credentials::None => None,
        };
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        sender.send_request(request.body(Full::new(body)).unwrap()).await.unwrap()
    }

    /// The same, with the answer's body read to its end.
    pub async fn ask(
        &self,
        method: &str,
        uri: &str,
        headers: &[(String, String)],
        credentials: &Credentials,
        body: Bytes,
    ) -> Reply {
        let response = self.send(method, uri, headers, credentials, body).await;
        let (parts, body) = response.into_parts();
        Reply { status: parts.status.as_u16(), headers: parts.headers, body: body.collect().await.unwrap().to_bytes() }
    }
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}
