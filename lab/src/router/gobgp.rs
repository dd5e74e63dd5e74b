//! GoBGP: one process, asked by `gobgp`. What it learns does not reach the kernel.

mod answers;
mod config;

use std::net::IpAddr;

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::Signal;
use serde_json::Value;

use super::config::{Announcement, RouterConfig};
use super::daemon::{Clear, Dialect};
use super::route::{Route, Session};
use super::site::Site;
use crate::prefix::Family;
use crate::program::Program;
use crate::tool::Tool;

/// Where it is asked, in the router's own network.
const API: &str = "127.0.0.1:50051";

/// GoBGP on a router.
#[derive(Debug)]
pub(super) struct Gobgp {
    gobgpd: Program,
    site: Site,
}

pub(super) fn start(site: Site, config: &RouterConfig) -> Result<Gobgp> {
    site.write("gobgp.toml", &config::render(config))?;
    let program = Tool::Gobgpd.find()?;
    let args = ["-t", "toml", "--api-hosts", API, "--pprof-disable", "-f"].map(Into::into).into_iter();
    let args = args.chain([site.path("gobgp.toml").into()]).collect();
    let gobgpd = site.start("gobgpd", &program, &program, args)?;
    site.ready(&gobgpd, || gobgp(&site, &["global"]))?;
    let daemon = Gobgp { gobgpd, site };
    for announcement in &config.announce {
        daemon.announce("add", announcement, config.asn)?;
    }
    Ok(daemon)
}

fn gobgp(site: &Site, words: &[&str]) -> Result<String> {
    site.ask(Tool::Gobgp, words)
}

impl Gobgp {
    fn announce(&self, verb: &str, announcement: &Announcement, asn: u32) -> Result<()> {
        let words = config::route(announcement, asn, self.site.machine.station);
        let words = ["global", "rib", verb].into_iter().chain(words.iter().map(String::as_str));
        gobgp(&self.site, &words.collect::<Vec<_>>()).map(drop)
    }

    fn json(&self, words: &[&str]) -> Result<Value> {
        let mut all = words.to_vec();
        all.push("-j");
        let said = gobgp(&self.site, &all)?;
        // An empty table is said in words.
        if said.starts_with("Network not in table") {
            return Ok(Value::Null);
        }
        serde_json::from_str(&said).with_context(|| format!("GoBGP answers {words:?} with {said:?}"))
    }
}

impl Dialect for Gobgp {
    fn speaker(&self) -> &Program {
        &self.gobgpd
    }

    fn others(&self) -> Vec<&Program> {
        Vec::new()
    }

    fn routes(&self, family: Family) -> Result<Vec<Route>> {
        answers::routes(&self.json(&["global", "rib", "-a", family.name()])?)
    }

    fn sessions(&self) -> Result<Vec<Session>> {
        answers::sessions(&self.json(&["neighbor"])?)
    }

    fn clear(&self, neighbor: IpAddr, how: Clear) -> Result<()> {
        match how {
            Clear::Reset => gobgp(&self.site, &["neighbor", &neighbor.to_string(), "reset"]).map(drop),
            Clear::Refresh => bail!("GoBGP keeps what it hears and never sends ROUTE-REFRESH"),
        }
    }

    fn enable(&self, neighbor: IpAddr, enabled: bool) -> Result<()> {
        let verb = if enabled { "enable" } else { "disable" };
        gobgp(&self.site, &["neighbor", &neighbor.to_string(), verb]).map(drop)
    }

    /// It reads its file again some time after the signal; the routes change at once.
    fn reload(&self, old: &RouterConfig, new: &RouterConfig) -> Result<()> {
        self.site.write("gobgp.toml", &config::render(new))?;
        self.gobgpd.signal(Signal::SIGHUP)?;
        for gone in old.announce.iter().filter(|one| new.announce.iter().all(|other| other.prefix != one.prefix)) {
            self.announce("del", gone, old.asn)?;
        }
        for added in new.announce.iter().filter(|one| !old.announce.contains(one)) {
            self.announce("add", added, new.asn)?;
        }
        Ok(())
    }
}
