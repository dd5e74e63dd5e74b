//! BIRD 2: one process, asked by `birdc`.

mod answers;
mod config;

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;

use anyhow::{Context as _, Result, bail};

use super::config::RouterConfig;
use super::daemon::{Clear, Dialect};
use super::route::{Route, Session};
use super::site::Site;
use crate::prefix::Family;
use crate::program::Program;
use crate::tool::Tool;

/// BIRD on a router.
#[derive(Debug)]
pub(super) struct Bird {
    bird: Program,
    site: Site,
}

pub(super) fn start(site: Site, config: &RouterConfig) -> Result<Bird> {
    site.write("bird.conf", &config::render(config, site.machine.station))?;
    let _ = fs::remove_file(site.path("bird.ctl"));
    let program = Tool::Bird.find()?;
    let files = [("-c", "bird.conf"), ("-s", "bird.ctl"), ("-P", "bird.pid")];
    let args = files.into_iter().flat_map(|(flag, file)| [flag.into(), site.path(file).into()]);
    let args = std::iter::once("-f".into()).chain(args).collect();
    let bird = site.start("bird", &program, &program, args)?;
    site.ready(&bird, || birdc(&site, &["show", "status"]))?;
    Ok(Bird { bird, site })
}

fn birdc(site: &Site, words: &[&str]) -> Result<String> {
    let socket = site.arg("bird.ctl");
    let mut args = vec!["-s", &socket];
    args.extend(words);
    let said = site.ask(Tool::Birdc, &args)?;
    let refused = |line: &&str| line.starts_with("syntax error") || line.contains("No protocols match");
    if let Some(complaint) = said.lines().find(refused) {
        bail!("BIRD says {complaint:?} to {words:?}");
    }
    // The first line is a greeting.
    Ok(said.split_once('\n').map_or_else(String::new, |(_, answer)| answer.to_owned()))
}

impl Bird {
    fn by_protocol(&self) -> Result<BTreeMap<String, Session>> {
        answers::sessions(&birdc(&self.site, &["show", "protocols", "all"])?)
    }

    fn protocol(&self, neighbor: IpAddr) -> Result<String> {
        let found = self.by_protocol()?.into_iter().find(|(_, session)| session.neighbor == neighbor);
        Ok(found.with_context(|| format!("BIRD has no neighbor {neighbor}"))?.0)
    }
}

impl Dialect for Bird {
    fn speaker(&self) -> &Program {
        &self.bird
    }

    fn others(&self) -> Vec<&Program> {
        Vec::new()
    }

    fn routes(&self, family: Family) -> Result<Vec<Route>> {
        let neighbors = self.by_protocol()?.into_iter().map(|(name, session)| (name, session.neighbor)).collect();
        let table = if family == Family::V4 { "master4" } else { "master6" };
        let sources = "source = RTS_BGP || source = RTS_STATIC";
        let answer = birdc(&self.site, &["show", "route", "all", "table", table, "where", sources])?;
        answers::routes(&answer, &neighbors)
    }

    fn sessions(&self) -> Result<Vec<Session>> {
        Ok(self.by_protocol()?.into_values().collect())
    }

    fn clear(&self, neighbor: IpAddr, how: Clear) -> Result<()> {
        let protocol = self.protocol(neighbor)?;
        match how {
            Clear::Reset => birdc(&self.site, &["restart", &protocol]),
            Clear::Refresh => birdc(&self.site, &["reload", "in", &protocol]),
        }
        .map(drop)
    }

    fn enable(&self, neighbor: IpAddr, enabled: bool) -> Result<()> {
        let verb = if enabled { "enable" } else { "disable" };
        birdc(&self.site, &[verb, &self.protocol(neighbor)?]).map(drop)
    }

    fn reload(&self, _: &RouterConfig, new: &RouterConfig) -> Result<()> {
        self.site.write("bird.conf", &config::render(new, self.site.machine.station))?;
        let said = birdc(&self.site, &["configure"])?;
        // It says "Reconfigured" or "Reconfiguration in progress", or where the error is.
        if said.contains("Reconfigur") { Ok(()) } else { bail!("BIRD does not take its configuration: {said}") }
    }
}
