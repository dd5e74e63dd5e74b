//! Which nodes serve many connections of one client.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use anyhow::Result;

use super::http;
use crate::topology::Machine;

/// Opens `flows` connections one after the other, each from a port of its own, and counts by which node each was
/// served.
///
/// # Errors
/// When one of them is not served within `patience`.
pub fn spread(
    client: &Machine,
    address: impl Into<IpAddr>,
    port: u16,
    flows: usize,
    patience: Duration,
) -> Result<BTreeMap<String, usize>> {
    let address = address.into();
    let mut served = BTreeMap::new();
    for _ in 0..flows {
        let page = http::get(client, address, port, patience)?;
        *served.entry(page.node).or_insert(0) += 1;
    }
    Ok(served)
}
