//! That nobody announces a Service, in words; and which speaker says so.
//!
//! Every speaker comes to the same conclusion, but one voice is enough: that of the first speaker in the election's
//! order for the address, whatever makes nodes ineligible, among those that stay and see the cluster as it is.
//! (`NoAdvertisement` is said by the controller, which has the same configuration.)

use std::collections::BTreeMap;
use std::net::IpAddr;

use herald_election::{self as election, Candidate};

use super::verdict::{Reason, Verdict};
use super::world::World;

/// How many nodes a sentence names before it only says that there are more.
const NODES_NAMED: usize = 3;

/// Why nobody announces a Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unannounced {
    /// What was decided.
    pub reason: Reason,
    /// The same in one word for programs.
    pub word: &'static str,
    /// And in a sentence for people, with what to do.
    pub message: String,
}

/// The verdict that nobody announces a Service, for `reason`: with words, if it is for this speaker to say them.
/// `refused` are the nodes with why they can't.
pub(super) fn verdict(world: &World, address: IpAddr, reason: Reason, refused: &[(&str, election::Reason)]) -> Verdict {
    let fit = world.fit().map(|node| Candidate { node, score: 0, cordoned: false });
    if election::rank(address, fit).first().is_none_or(|first| first.node != world.me) {
        return Verdict::Not(reason);
    }
    let (word, message) = words(address, &reason, refused);
    Verdict::Unannounced(Unannounced { reason, word, message })
}

fn words(address: IpAddr, reason: &Reason, refused: &[(&str, election::Reason)]) -> (&'static str, String) {
    match reason {
        Reason::Displaced(older) => (
            "DuplicateAddress",
            format!(
                "{address} is announced for {older}, which is older: two Services have one address and may not share it; \
                 see their condition metallb.io/Allocated"
            ),
        ),
        Reason::PoolGone(pool) => {
            let which = match pool {
                Some(pool) => format!("its pool \"{pool}\" is gone and"),
                None => "the pool it came from is not known and".to_owned(),
            };
            let message = format!(
                "{address} is kept but announced no longer: {which} no other pool contains it; create an IPAddressPool \
                 that does"
            );
            ("PoolGone", message)
        }
        Reason::NoCandidate(election::Reason::NoEndpoint) => (
            "NoReadyEndpoints",
            "the Service has no endpoint that is ready or still serving: see its selector and its pods".to_owned(),
        ),
        Reason::NoCandidate(election::Reason::SharedWithSelector) => {
            (election::Reason::SharedWithSelector.label(), election::Reason::SharedWithSelector.describe().to_owned())
        }
        _ => ("NoEligibleNode", format!("no node may announce {address}: {}", of_nodes(refused))),
    }
}

/// The nodes by what keeps them from announcing. Numbers are left out: a node more would change every sentence.
fn of_nodes(refused: &[(&str, election::Reason)]) -> String {
    if refused.is_empty() {
        return "the cluster has no node".to_owned();
    }
    let mut by_reason: BTreeMap<election::Reason, Vec<&str>> = BTreeMap::new();
    for (node, reason) in refused {
        by_reason.entry(*reason).or_default().push(node);
    }
    let sentences = by_reason.into_iter().map(|(reason, mut nodes)| {
        nodes.sort_unstable();
        let more = if nodes.len() > NODES_NAMED { " and others" } else { "" };
        nodes.truncate(NODES_NAMED);
        format!("{}{more}: {}", nodes.join(", "), reason.describe())
    });
    sentences.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use election::Reason as Refusal;

    fn say(reason: &Reason, refused: &[(&str, Refusal)]) -> (&'static str, String) {
        words("192.0.2.1".parse().unwrap(), reason, refused)
    }

    #[test]
    fn nodes_are_named_by_what_keeps_them_back() {
        let refused = [
            ("d", Refusal::NotSelected),
            ("a", Refusal::NotSelected),
            ("x", Refusal::Excluded),
            ("c", Refusal::NotSelected),
            ("b", Refusal::NotSelected),
        ];
        let (word, message) = say(&Reason::NoCandidate(Refusal::NotSelected), &refused);
        assert_eq!(word, "NoEligibleNode");
        assert_eq!(
            message,
            "no node may announce 192.0.2.1: a, b, c and others: no advertisement's nodeSelectors match it; \
             x: it is labelled node.kubernetes.io/exclude-from-external-load-balancers"
        );
        let (_, nobody) = say(&Reason::NoNodes, &[]);
        assert!(nobody.contains("no node"), "{nobody}");
    }

    #[test]
    fn sentences_stay_short_whatever_the_cluster_is_like() {
        let names: Vec<String> = (0..5000).map(|number| format!("{number}{}", "n".repeat(60))).collect();
        let reasons = [Refusal::NoSpeaker, Refusal::NotSelected, Refusal::Excluded, Refusal::NoInterface];
        let refused: Vec<_> = names.iter().zip(reasons.iter().cycle()).map(|(name, r)| (name.as_str(), *r)).collect();
        let (_, message) = say(&Reason::NoCandidate(Refusal::NoSpeaker), &refused);
        assert!(message.len() < 2000, "{}", message.len());
    }

    #[test]
    fn every_reason_has_a_word_and_says_what_to_look_at() {
        let older = crate::watch::service::ServiceKey::new("shop", "web");
        for (reason, word, part) in [
            (Reason::Displaced(older), "DuplicateAddress", "shop/web"),
            (Reason::PoolGone(Some("public".into())), "PoolGone", "\"public\""),
            (Reason::PoolGone(None), "PoolGone", "not known"),
            (Reason::NoCandidate(Refusal::NoEndpoint), "NoReadyEndpoints", "selector"),
            (Reason::NoCandidate(Refusal::SharedWithSelector), "SharedIPWithServiceSelector", "serviceSelectors"),
        ] {
            let (said, message) = say(&reason, &[]);
            assert_eq!(said, word);
            assert!(message.contains(part), "{message}");
        }
    }
}
