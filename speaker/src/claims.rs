//! What others say on the wire about addresses of ours, and so what is to be said of the Services that have them.
//!
//! - A machine that is no speaker claims the address: the node keeps it, and the ServiceL2Status says who (condition
//!   `AddressConflict`).
//! - A speaker that would be elected before us claims it, though the membership does not know that it is alive: we keep
//!   silent, and say nothing of the Service either; it does.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use herald_neighbor::{MacAddr, Notice, Scope};

use crate::decide::{Unannounced, Verdict};
use crate::report::Said;

/// Who else has which of our addresses.
#[derive(Debug, Default)]
pub struct Claims {
    conflicts: BTreeMap<IpAddr, (MacAddr, String)>,
    yielded: BTreeSet<IpAddr>,
}

impl Claims {
    /// Takes in what the wire tells. Returns the address of which something else is to be said now.
    pub fn hear(&mut self, notice: &Notice<String>) -> Option<IpAddr> {
        let (ip, changed) = match notice {
            Notice::Conflict { ip, mac, interface } => {
                let new = (*mac, interface.clone());
                (ip, self.conflicts.insert(*ip, new.clone()) != Some(new))
            }
            Notice::ConflictOver { ip } => (ip, self.conflicts.remove(ip).is_some()),
            Notice::Yielded { ip, .. } => (ip, self.yielded.insert(*ip)),
            Notice::Resumed { ip } => (ip, self.yielded.remove(ip)),
            Notice::Heard { .. } => return None,
        };
        changed.then_some(*ip)
    }

    /// The address is not ours any more.
    pub fn forget(&mut self, ip: IpAddr) {
        self.conflicts.remove(&ip);
        self.yielded.remove(&ip);
    }

    /// Who else claims an address, in words.
    #[must_use]
    pub fn conflict(&self, ip: IpAddr) -> Option<String> {
        let (mac, interface) = self.conflicts.get(&ip)?;
        Some(format!(
            "{ip}: the machine with MAC {mac} on {interface} says that it has this address; take the address away from \
             it, or out of the pool"
        ))
    }

    /// What a verdict gives this node to say.
    #[must_use]
    pub fn said(&self, verdict: &Verdict) -> Option<Said> {
        if let Some((addresses, scope)) = verdict.announced() {
            let interfaces = match scope {
                Scope::All => BTreeSet::new(),
                Scope::Named(names) => names.clone(),
            };
            if !addresses.is_empty() && addresses.iter().all(|ip| self.yielded.contains(ip)) {
                return None;
            }
            let conflicts: Vec<_> = addresses.iter().filter_map(|ip| self.conflict(*ip)).collect();
            let conflict = (!conflicts.is_empty()).then(|| conflicts.join("\n"));
            return Some(Said::Announced { interfaces, conflict });
        }
        match verdict {
            Verdict::Unannounced(Unannounced { reason: _, word, message }) => {
                Some(Said::Unannounced { reason: (*word).to_owned(), message: message.clone() })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_claim_is_said_and_taken_back() {
        let ip: IpAddr = "192.0.2.1".parse().unwrap();
        let verdict = Verdict::Announce { addresses: vec![ip], scope: Scope::All, remembered: false };
        let plain = Some(Said::Announced { interfaces: BTreeSet::new(), conflict: None });
        let mac = MacAddr::new(2, 0, 0, 0, 0, 1);
        let mut claims = Claims::default();
        let conflict = Notice::Conflict { ip, mac, interface: "eth0".into() };
        assert_eq!(claims.hear(&conflict), Some(ip));
        assert_eq!(claims.hear(&conflict), None, "said already");
        let said = claims.said(&verdict);
        assert!(
            matches!(&said, Some(Said::Announced { conflict: Some(text), .. }) if text.contains("02:00:00:00:00:01"))
        );
        assert_eq!(claims.hear(&Notice::ConflictOver { ip }), Some(ip));
        assert_eq!(claims.said(&verdict), plain);
        assert_eq!(claims.hear(&Notice::Yielded { ip, mac }), Some(ip));
        assert_eq!(claims.said(&verdict), None, "the other speaker says it");
        assert_eq!(claims.hear(&Notice::Resumed { ip }), Some(ip));
        assert_eq!(claims.said(&verdict), plain);
    }
}
