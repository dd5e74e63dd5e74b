//! FRR: `zebra` for the kernel's routes, `bgpd` for BGP, `vtysh` to talk to both.
//!
//! Both run as root, from wherever they are installed or unpacked. FRR insists
//! that its user is in the group `frrvty`; so they see a copy of `/etc/group`
//! in which root is, in a mount namespace of their own, and the machine's
//! accounts stay as they are.

mod answers;
mod config;

use std::ffi::OsString;
use std::fs;
use std::net::IpAddr;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::config::RouterConfig;
use super::daemon::{Clear, Dialect};
use super::route::{Route, Session};
use super::site::Site;
use crate::prefix::{Family, Prefix};
use crate::program::Program;
use crate::tool::Tool;

/// The group that FRR's user must be in.
const GROUP: &str = "frrvty";

/// Binds a file (`$0`) over `/etc/group` and becomes the program that follows.
const WITH_GROUP: &str = "mount --bind \"$0\" /etc/group && exec \"$@\"";

/// FRR on a router.
#[derive(Debug)]
pub(super) struct Frr {
    bgpd: Program,
    zebra: Program,
    site: Site,
    asn: u32,
}

pub(super) fn start(site: Site, config: &RouterConfig) -> Result<Frr> {
    let groups = fs::read_to_string("/etc/group").context("read /etc/group")?;
    site.write("group", &with_root(&groups))?;
    site.write("vtysh/vtysh.conf", "username root nopassword\n")?;
    site.write("vtysh/frr.conf", "")?;
    site.write("bgpd.conf", &config::render(config))?;
    for socket in ["zserv.api", "zebra.vty", "bgpd.vty"] {
        // bgpd that finds a dead zebra's socket tries again only after ten seconds.
        let _ = fs::remove_file(site.path(socket));
    }
    // zebra has nothing to be told, and complains of what is for bgpd.
    site.write("zebra.conf", "")?;
    let zebra = run(&site, Tool::Zebra, "zebra", &["-s", "90000000"])?;
    site.ready(&zebra, || vtysh(&site, "zebra", &["show version"]))?;
    let bgpd = run(&site, Tool::Bgpd, "bgpd", &["-p", &config.port.to_string()])?;
    site.ready(&bgpd, || vtysh(&site, "bgpd", &["show bgp summary json"]))?;
    Ok(Frr { bgpd, zebra, site, asn: config.asn })
}

/// The machine's groups, and root in FRR's.
fn with_root(groups: &str) -> String {
    let others = groups.lines().filter(|line| !line.starts_with(&format!("{GROUP}:")));
    let mut text: String = others.flat_map(|line| [line, "\n"]).collect();
    let own = groups.lines().find_map(|line| line.strip_prefix(&format!("{GROUP}:")));
    let number = own.and_then(|rest| rest.split(':').nth(1)).unwrap_or("65533");
    text.push_str(&format!("{GROUP}:x:{number}:root\n"));
    text
}

fn run(site: &Site, tool: Tool, name: &str, more: &[&str]) -> Result<Program> {
    let program = tool.find()?;
    let mut args: Vec<OsString> = ["-m", "sh", "-c", WITH_GROUP].map(Into::into).to_vec();
    args.extend([site.path("group").into(), program.clone().into()]);
    let files = [
        ("-f", site.path(&format!("{name}.conf"))),
        ("-i", site.path(&format!("{name}.pid"))),
        ("-z", site.path("zserv.api")),
        ("--vty_socket", site.path("")),
    ];
    args.extend(files.into_iter().flat_map(|(flag, path)| [flag.into(), path.into()]));
    // -P 0: no terminal on TCP.
    args.extend(["-u", "root", "-g", "root", "-P", "0", "--log", "stdout"].map(Into::into));
    args.extend(more.iter().map(Into::into));
    site.start(name, &Tool::Unshare.find()?, &program, args)
}

fn vtysh(site: &Site, daemon: &str, commands: &[&str]) -> Result<String> {
    let (config, socket) = (site.arg("vtysh"), site.arg(""));
    let mut args = vec!["--config_dir", &config, "--vty_socket", &socket, "-d", daemon];
    args.extend(commands.iter().flat_map(|&command| ["-c", command]));
    let said = site.ask(Tool::Vtysh, &args)?;
    // It complains on its standard output, and succeeds.
    match said.lines().find(|line| line.starts_with("% ") || line.contains("failed to connect")) {
        Some(complaint) => bail!("FRR says {complaint:?} to {commands:?}"),
        None => Ok(said),
    }
}

impl Frr {
    fn json(&self, command: &str) -> Result<Value> {
        let said = vtysh(&self.site, "bgpd", &[command])?;
        serde_json::from_str(&said).with_context(|| format!("FRR answers {command:?} with {said:?}"))
    }

    fn configure(&self, commands: &[String]) -> Result<()> {
        let all: Vec<_> = std::iter::once("configure terminal").chain(commands.iter().map(String::as_str)).collect();
        vtysh(&self.site, "bgpd", &all).map(drop)
    }
}

impl Dialect for Frr {
    fn speaker(&self) -> &Program {
        &self.bgpd
    }

    fn others(&self) -> Vec<&Program> {
        vec![&self.zebra]
    }

    fn routes(&self, family: Family) -> Result<Vec<Route>> {
        let answer = self.json(&format!("show bgp {} unicast json detail", family.name()))?;
        let routes = answer.get("routes").and_then(Value::as_object).context("FRR lists no routes")?;
        let mut all = Vec::new();
        for (prefix, paths) in routes {
            all.extend(answers::paths(prefix.parse::<Prefix>()?, paths)?);
        }
        Ok(all)
    }

    fn sessions(&self) -> Result<Vec<Session>> {
        answers::sessions(&self.json("show bgp neighbors json")?)
    }

    fn clear(&self, neighbor: IpAddr, how: Clear) -> Result<()> {
        let soft = if how == Clear::Refresh { " soft in" } else { "" };
        vtysh(&self.site, "bgpd", &[&format!("clear bgp {neighbor}{soft}")]).map(drop)
    }

    fn enable(&self, neighbor: IpAddr, enabled: bool) -> Result<()> {
        let no = if enabled { "no " } else { "" };
        self.configure(&[format!("router bgp {}", self.asn), format!("{no}neighbor {neighbor} shutdown")])
    }

    fn reload(&self, old: &RouterConfig, new: &RouterConfig) -> Result<()> {
        self.site.write("bgpd.conf", &config::render(new))?;
        let commands = config::difference(old, new);
        if commands.is_empty() { Ok(()) } else { self.configure(&commands) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_in_the_group_once() {
        assert_eq!(with_root("root:x:0:\n"), "root:x:0:\nfrrvty:x:65533:root\n");
        assert_eq!(with_root("frrvty:x:107:frr\nroot:x:0:\n"), "root:x:0:\nfrrvty:x:107:root\n");
    }
}
