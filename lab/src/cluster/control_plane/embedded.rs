//! The embedded API server.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use anyhow::{Context as _, Result};
use herald_apiserver::{ApiServer, Options};

use super::{ControlPlane, LAN_PORT, Server, files, write_ca};
use crate::topology::Machine;

/// Starts it with one listener on the host and one on the LAN.
pub(super) fn start(machine: &Machine, dir: &Path) -> Result<ControlPlane> {
    let host = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("listen on the loopback")?;
    let host_url = format!("https://{}", host.local_addr()?);
    let lan_address = (machine.station.v4(), LAN_PORT);
    let lan = machine
        .namespace
        .run(move || TcpListener::bind(lan_address))?
        .context("listen in the control plane's namespace")?;
    let lan_url = format!("https://{}", lan.local_addr()?);
    let admin_token = files::random_hex::<16>()?;
    let server = ApiServer::start(Options {
        listeners: vec![host, lan],
        admin_token: admin_token.clone(),
        ..Options::default()
    })
    .context("start the API server")?;
    let ca_file = write_ca(dir, server.ca_pem())?;
    Ok(ControlPlane { server: Server::Embedded(server), host_url, lan_url, ca_file, admin_token })
}
