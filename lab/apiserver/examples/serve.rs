//! Serves until interrupted: `cargo run -p herald-apiserver --example serve -- 127.0.0.1:6443 kubeconfig`.

use std::error::Error;
use std::net::TcpListener;

use herald_apiserver::{ApiServer, Options};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:6443".to_owned());
    let path = arguments.next().unwrap_or_else(|| "kubeconfig".to_owned());
    let listener = TcpListener::bind(&address)?;
    let url = format!("https://{}", listener.local_addr()?);
    let server = ApiServer::start(Options { listeners: vec![listener], ..Options::default() })?;
    std::fs::write(path, server.admin_kubeconfig(&url))?;
    std::future::pending::<()>().await;
    drop(server);
    Ok(())
}
