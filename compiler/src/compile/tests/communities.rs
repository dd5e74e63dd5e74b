use super::{compile, meta, says};
use crate::bgp::StandardCommunity;
use crate::object::{BgpAdvertisement, Community, CommunityAlias, Objects};
use crate::verdict::{ConditionType, Kind};

fn object(name: &str, created: i64, entries: &[(&str, &str)]) -> Community {
    let entry = |(name, value): &(&str, &str)| CommunityAlias { name: (*name).into(), value: (*value).into() };
    Community { meta: meta(name, created), communities: entries.iter().map(entry).collect() }
}

fn uses(name: &str, communities: &[&str]) -> BgpAdvertisement {
    BgpAdvertisement {
        meta: meta(name, 1),
        communities: communities.iter().map(|name| (*name).into()).collect(),
        ..BgpAdvertisement::default()
    }
}

#[test]
fn names_come_from_all_objects() {
    let compilation = compile(&Objects {
        communities: vec![object("a", 1, &[("vpn", "64512:1")]), object("b", 2, &[("far", "large:1:2:3")])],
        bgp_advertisements: vec![uses("adv", &["far", "vpn", "64512:9"])],
        ..Objects::default()
    });
    let said = &compilation.config.bgp_advertisements()[0].attributes;
    assert_eq!(said.communities, [0xfc00_0001, 0xfc00_0009].map(StandardCommunity).into());
    assert_eq!(said.large_communities.len(), 1);
    assert!(compilation.verdicts.iter().all(|verdict| !verdict.needs_attention()));
}

#[test]
fn a_name_given_twice_means_what_the_older_object_says() {
    let compilation = compile(&Objects {
        communities: vec![
            object("young", 2, &[("vpn", "64512:2"), ("own", "64512:3")]),
            object("old", 1, &[("vpn", "64512:1")]),
        ],
        bgp_advertisements: vec![uses("adv", &["vpn", "own"])],
        ..Objects::default()
    });
    let said = &compilation.config.bgp_advertisements()[0].attributes;
    assert_eq!(said.communities, [0xfc00_0001, 0xfc00_0003].map(StandardCommunity).into());
    let accepted = |name| says(&compilation.verdicts, Kind::Community, name, ConditionType::Accepted);
    assert!(accepted("old").starts_with("true"));
    assert_eq!(
        accepted("young"),
        "false DuplicateEntry: entries are not used: \"vpn\" is given in Community \"old\", which is older, and means \
         what is said there: rename or remove it here"
    );
}

#[test]
fn a_wrong_entry_spoils_itself_alone() {
    let compilation = compile(&Objects {
        communities: vec![object("names", 1, &[("bad", "64512:70000"), ("", "1:1"), ("good", "1:1"), ("good", "1:2")])],
        bgp_advertisements: vec![uses("good", &["good"]), uses("bad", &["bad"])],
        ..Objects::default()
    });
    let config = &compilation.config;
    assert_eq!(config.bgp_advertisements().len(), 1);
    assert_eq!(config.bgp_advertisements()[0].attributes.communities, [StandardCommunity(0x1_0001)].into());
    let accepted = says(&compilation.verdicts, Kind::Community, "names", ConditionType::Accepted);
    for words in [
        "false InvalidCommunity: entries are not used: \"bad\": \"64512:70000\" is not a community: write it like",
        "the entry with value \"1:1\" has no name",
        "\"good\" is given before",
    ] {
        assert!(accepted.contains(words), "{accepted}");
    }
    let bad = says(&compilation.verdicts, Kind::BgpAdvertisement, "bad", ConditionType::Accepted);
    assert!(bad.contains("its entry in Community \"names\" can't be used: correct it there"), "{bad}");
}

#[test]
fn an_unknown_name_leaves_the_advertisement_out_and_says_what_to_do() {
    let cases = [
        ("typo", "no community is called \"typo\"", "give the name in a Community object"),
        ("no-export", "no community is called \"no-export\"", "write it under herald.wellKnownCommunities"),
    ];
    for (name, what, remedy) in cases {
        let compilation =
            compile(&Objects { bgp_advertisements: vec![uses("adv", &[name]), uses("b", &[])], ..Objects::default() });
        assert_eq!(compilation.config.bgp_advertisements().len(), 1);
        for kind in [ConditionType::Accepted, ConditionType::ResolvedRefs] {
            let said = says(&compilation.verdicts, Kind::BgpAdvertisement, "adv", kind);
            assert!(said.starts_with("false CommunityNotFound: "), "{said}");
            assert!(said.contains(what) && said.contains(remedy), "{said}");
        }
    }
    let compilation = compile(&Objects { bgp_advertisements: vec![uses("adv", &["1:2:3"])], ..Objects::default() });
    let said = says(&compilation.verdicts, Kind::BgpAdvertisement, "adv", ConditionType::Accepted);
    assert!(said.starts_with("false InvalidCommunity: \"1:2:3\" is not a community"), "{said}");
}

#[test]
fn what_is_said_of_many_entries_stays_short() {
    let entries: Vec<_> = (0..300).map(|_| ("x", "bad")).collect();
    let compilation = compile(&Objects { communities: vec![object("many", 1, &entries)], ..Objects::default() });
    let accepted = says(&compilation.verdicts, Kind::Community, "many", ConditionType::Accepted);
    assert!(accepted.ends_with("and 295 more") && accepted.len() < 1000, "{accepted}");
}
