//! A real `kube-apiserver` and `etcd` in the control plane's namespace, from
//! the folder that `KUBEBUILDER_ASSETS` names.
//!
//! GAP(kubebuilder-assets): written from the two programs' documentation; no
//! machine with both was at hand to run it on.

use std::ffi::OsString;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::{ControlPlane, LAN_PORT, Server, files, forward, write_ca};
use crate::clock;
use crate::program::{Invocation, Program};
use crate::topology::Machine;

/// How long the server may take to be ready.
const READINESS: Duration = Duration::from_secs(60);

/// The two programs, and the way to them from the host.
#[derive(Debug)]
pub(super) struct External {
    apiserver: Program,
    _forwarder: forward::Forwarder,
    _etcd: Program,
}

impl External {
    pub(super) fn name(&self) -> &str {
        self.apiserver.name()
    }
}

pub(super) async fn start(machine: &Machine, dir: &Path, assets: &Path) -> Result<ControlPlane> {
    let lan = machine.station.v4();
    let names = vec![lan.to_string(), Ipv4Addr::LOCALHOST.to_string(), "localhost".to_owned()];
    let serving = rcgen::generate_simple_self_signed(names).context("make the server's certificate")?;
    let tokens = rcgen::KeyPair::generate().context("make a key for tokens")?;
    let admin_token = files::random_hex::<16>()?;
    let ca_file = write_ca(dir, &serving.cert.pem())?;
    let (serving_key, token_key) = (dir.join("serving.key"), dir.join("token.key"));
    let token_file = dir.join("tokens.csv");
    files::write_secret(&serving_key, &serving.signing_key.serialize_pem())?;
    files::write_secret(&token_key, &tokens.serialize_pem())?;
    files::write_secret(&token_file, &format!("{admin_token},admin,admin,system:masters\n"))?;

    let launch = |name: &str, flags: &[(&str, OsString)]| {
        let args = flags.iter().map(|(flag, value)| {
            let mut arg = OsString::from(format!("--{flag}="));
            arg.push(value);
            arg
        });
        let invocation = Invocation {
            name: name.to_owned(),
            program: assets.join(name),
            args: args.collect(),
            env: Vec::new(),
            log: dir.join(format!("{name}.log")),
        };
        Program::start(&machine.namespace, &invocation)
    };
    let etcd = launch(
        "etcd",
        &[
            ("data-dir", dir.join("etcd").into()),
            ("listen-client-urls", "http://127.0.0.1:2379".into()),
            ("advertise-client-urls", "http://127.0.0.1:2379".into()),
            ("listen-peer-urls", "http://127.0.0.1:2380".into()),
            ("unsafe-no-fsync", "true".into()),
        ],
    )?;
    let apiserver = launch(
        "kube-apiserver",
        &[
            ("etcd-servers", "http://127.0.0.1:2379".into()),
            ("bind-address", lan.to_string().into()),
            ("secure-port", LAN_PORT.to_string().into()),
            ("tls-cert-file", ca_file.clone().into()),
            ("tls-private-key-file", serving_key.into()),
            ("service-account-issuer", "https://kubernetes.default.svc".into()),
            ("service-account-key-file", token_key.clone().into()),
            ("service-account-signing-key-file", token_key.into()),
            ("token-auth-file", token_file.into()),
            ("authorization-mode", "RBAC".into()),
            ("disable-admission-plugins", "ServiceAccount".into()),
            ("service-cluster-ip-range", "10.96.0.0/12,fd00:96::/112".into()),
        ],
    )?;
    let host = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("listen on the loopback")?;
    let host_url = format!("https://{}", host.local_addr()?);
    let forwarder = forward::Forwarder::start(host, machine.namespace.clone(), (lan, LAN_PORT).into())?;
    let external = External { apiserver, _forwarder: forwarder, _etcd: etcd };
    let plane = ControlPlane {
        lan_url: format!("https://{lan}:{LAN_PORT}"),
        server: Server::External(external),
        host_url,
        ca_file,
        admin_token,
    };
    ready(&plane).await?;
    Ok(plane)
}

/// Waits until the server answers the administrator.
async fn ready(plane: &ControlPlane) -> Result<()> {
    let client = plane.admin().await?;
    let deadline = clock::now() + READINESS;
    loop {
        match client.apiserver_version().await {
            Ok(_) => return Ok(()),
            Err(error) if clock::now() >= deadline => {
                return Err(error).context("kube-apiserver does not answer");
            }
            Err(_) => {}
        }
        if let Server::External(external) = &plane.server
            && let Some(status) = external.apiserver.ended()?
        {
            bail!("kube-apiserver ended ({status}):\n{}", files::tail(external.apiserver.log()));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
