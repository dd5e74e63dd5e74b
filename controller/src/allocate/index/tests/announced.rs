//! The condition `metallb.io/Announced` in the middle of everything else.

use super::*;
use crate::watch::{Said, SeenReport};

/// Jobs about conditions alone.
fn announced(cluster: &mut Cluster) -> Vec<Job> {
    cluster.index.announced_jobs(10, cluster.now)
}

fn status(service: &ServiceKey, node: &str) -> SeenReport {
    SeenReport { name: "l2-1".into(), service: service.clone(), said: Said::Announced(node.into()) }
}

#[test]
fn it_follows_the_address_and_is_said_once() {
    let mut cluster = Cluster::new(vec![pool("p", &["192.0.2.0/28"])]);
    cluster.index.observe(Observed::L2Status(Change::Reset(vec![])), cluster.now);
    cluster.index.observe(Observed::BgpStatus(Change::Reset(vec![])), cluster.now);
    let web = cluster.create("web");
    cluster.index.observe(Observed::L2Status(Change::Applied(status(&web, "a"))), cluster.now);
    assert_eq!(announced(&mut cluster), [], "nothing before the first decision");
    cluster.settle();
    cluster.now += ms(600);
    let jobs = announced(&mut cluster);
    assert_eq!((jobs.len(), cluster.index.announced_busy()), (1, 1));
    jobs.into_iter().for_each(|job| cluster.perform(job));
    let condition = cluster.server.services[&web].announced.clone().unwrap();
    assert!(condition.status && condition.message.contains("\"a\""), "{condition:?}");
    // Nothing more, also not for the next controller, which sees what stands there.
    for _ in 0..2 {
        for _ in 0..10 {
            cluster.now += ms(1000);
            cluster.settle();
            assert_eq!(announced(&mut cluster), []);
        }
        assert_eq!(cluster.index.announced_deadline(), None);
        cluster.restart();
        cluster.index.observe(Observed::L2Status(Change::Reset(vec![status(&web, "a")])), cluster.now);
        cluster.index.observe(Observed::BgpStatus(Change::Reset(vec![])), cluster.now);
    }
}

#[test]
fn a_write_of_the_address_comes_first_and_neither_loses_the_other() {
    let mut cluster = Cluster::new(vec![pool("p", &["192.0.2.0/28"])]);
    cluster.index.observe(Observed::L2Status(Change::Reset(vec![])), cluster.now);
    cluster.index.observe(Observed::BgpStatus(Change::Reset(vec![])), cluster.now);
    let web = cluster.create("web");
    cluster.index.observe(Observed::L2Status(Change::Applied(status(&web, "a"))), cluster.now);
    cluster.settle();
    cluster.now += ms(600);
    let condition = announced(&mut cluster);
    assert_eq!(condition.len(), 1);
    // Meanwhile somebody wipes the status; the condition was decided on an older version.
    cluster.change(&web, |seen| seen.request.shown.clear());
    cluster.show(&web);
    let address = cluster.jobs();
    condition.into_iter().for_each(|job| cluster.perform(job));
    cluster.now += ms(600);
    assert_eq!(announced(&mut cluster), [], "the address is being written");
    address.into_iter().for_each(|job| cluster.perform(job));
    for _ in 0..5 {
        cluster.settle();
        cluster.now += ms(600);
        announced(&mut cluster).into_iter().for_each(|job| cluster.perform(job));
    }
    assert_eq!(cluster.shown(&web), "192.0.2.0");
    assert!(cluster.server.services[&web].announced.clone().unwrap().status);
}
