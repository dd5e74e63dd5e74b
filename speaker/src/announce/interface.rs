//! The node's network interfaces: which of them take part in layer 2, kept current by netlink.
//!
//! ```text
//!   kernel ── RTNLGRP_LINK, _IPV4_IFADDR, _IPV6_IFADDR ──► netlink ──► table ── differences ──► wire
//!                                                             ▲
//!   start, overrun, broken connection, every few minutes ── dump
//! ```
//!
//! Netlink is no reliable log: the kernel drops events when nobody reads fast enough, and says so. So the table is
//! dumped first, then follows the events, and is dumped again after an overrun, after the connection broke, and every
//! few minutes anyway. What waits to be read waits in the kernel's buffer, whose size is fixed, and nowhere else.
//!
//! Only differences leave this module, and only for interfaces that take part; a node's hundreds of pod interfaces cost an
//! entry here, and an event about one of them a look at that one.

mod netlink;
mod table;

use std::time::Duration;

use herald_neighbor::{Interface, InterfaceIndex, MacAddr};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use self::netlink::{Dumper, Events, Heard};
use self::table::Table;
use super::exclude::Exclude;

/// How long to wait before a broken netlink connection is opened again.
const REOPEN_PAUSE: Duration = Duration::from_secs(1);
/// How often the table is dumped although no event was missed, as far as we know.
const REDUMP_INTERVAL: Duration = Duration::from_secs(300);
/// Least time between two dumps: a storm of events that overruns the buffer again and again is not answered by a storm of
/// dumps.
const REDUMP_PAUSE: Duration = Duration::from_millis(50);

/// A change of what takes part in layer 2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InterfaceChange {
    /// It takes part from now on, or changed its name, MAC or addresses.
    Usable(Interface),
    /// It no longer takes part.
    Gone(InterfaceIndex),
    /// Another interface of the node has this MAC, or none any more. What comes from it is this node's own word.
    OtherMac {
        /// The MAC.
        mac: MacAddr,
        /// Whether there still is one.
        present: bool,
    },
}

/// Follows the kernel for ever, in whose network namespace the caller runs.
pub async fn follow(mut exclude: watch::Receiver<Exclude>, to: mpsc::Sender<InterfaceChange>) {
    let mut table = Table::new(exclude.borrow_and_update().clone());
    while !to.is_closed() {
        if let Err(error) = follow_connection(&mut table, &mut exclude, &to).await {
            tracing::warn!("network interfaces can't be followed, will try again: {error:#}");
        }
        tokio::time::sleep(REOPEN_PAUSE).await;
    }
}

async fn follow_connection(
    table: &mut Table,
    exclude: &mut watch::Receiver<Exclude>,
    to: &mpsc::Sender<InterfaceChange>,
) -> anyhow::Result<()> {
    let dumper = Dumper::open()?;
    loop {
        // Listening first: what happens during the dump is heard after it. And anew each time: what the kernel had queued
        // before it dropped the rest is older than the dump, and would undo it.
        let mut events = Events::open()?;
        let (links, addresses) = dumper.dump().await?;
        let dumped = Instant::now();
        send(to, table.replace(links, addresses)).await;
        let redump = tokio::time::sleep(REDUMP_INTERVAL);
        let mut redump = std::pin::pin!(redump);
        'events: loop {
            tokio::select! {
                heard = events.next() => for heard in heard? {
                    let changes = match heard {
                        Heard::Link(link) => table.set_link(link),
                        Heard::Gone(index) => table.remove_link(index),
                        Heard::Address(address) => table.set_address(address),
                        Heard::AddressGone(address) => table.remove_address(address),
                        Heard::Missed => break 'events,
                    };
                    send(to, changes).await;
                },
                // Its sender lives as long as the program; if not, the list stays as it is.
                Ok(()) = exclude.changed() => {
                    let list = exclude.borrow_and_update().clone();
                    send(to, table.set_exclude(list)).await;
                }
                () = &mut redump => break,
                () = to.closed() => return Ok(()),
            }
        }
        tokio::time::sleep_until(dumped + REDUMP_PAUSE).await;
    }
}

async fn send(to: &mpsc::Sender<InterfaceChange>, changes: Vec<InterfaceChange>) {
    for change in changes {
        // A closed channel means that the speaker ends.
        let _ = to.send(change).await;
    }
}
