//! The schemas and the compiler refuse the same things in the same words, so that it doesn't
//! matter to a user which of the two met a mistake first.

use std::sync::LazyLock;

use herald_apiserver_schema::Schema;
use herald_compiler::object::{LabelSelector, LabelSelectorRequirement};
use herald_compiler::{AddressRange, Objects, Selector, compile, object as compiler};
use proptest::prelude::*;
use serde_json::json;

use crate::{object, refusals, schema};

/// What the schema says about one item of `addresses`; `None` if it is taken.
fn schema_says(schema: &Schema, item: &str) -> Option<String> {
    let refusals = refusals(schema, &object("IPAddressPool", "v1beta1", &json!({"addresses": [item]})), None);
    assert!(refusals.len() <= 1, "{refusals:#?}");
    refusals.first().cloned()
}

fn compiler_says(item: &str) -> Option<String> {
    AddressRange::parse(item).err().map(|error| error.to_string())
}

#[test]
fn about_addresses() {
    let schema = schema("IPAddressPool", "v1beta1");
    for item in [
        "192.168.1.250-192.168.1.240",
        "192.168.1.250 - 192.168.1.240",
        "192.168.1.0/33",
        "fd00::/129",
        "not-an-ip",
        "x",
        "",
        "-",
        "1-",
        "192.0.2.1-fd00::1",
        "192.0.2.5",
        "fd00::5",
        "192.168.1.0/024",
        "192.0.2.0/+24",
        "192.0.2.0/ 24",
        " 192.0.2.0/24",
        "192.0.2.1-192.0.2.2-192.0.2.3",
        "::ffff:192.0.2.1/120",
        "192.0.2.1/24/24",
        "1.2.3.4.5/8",
    ] {
        let (schema, compiler) = (schema_says(&schema, item).unwrap(), compiler_says(item).unwrap());
        assert!(schema.ends_with(&compiler), "{schema}\n{compiler}");
    }
    let none = crate::refusals(&schema, &object("IPAddressPool", "v1beta1", &json!({"addresses": []})), None);
    let pool = compiler::IpAddressPool::default();
    let compilation = compile(&Objects { pools: vec![pool], ..Objects::default() });
    assert!(none[0].ends_with(&compilation.verdicts[0].conditions[0].message), "{none:?}");
}

#[test]
fn about_selectors() {
    let schema = schema("L2Advertisement", "v1beta1");
    for (operator, values) in [("Equals", vec!["a"]), ("In", vec![]), ("NotIn", vec![]), ("Exists", vec!["a"])] {
        let spec = json!({"nodeSelectors": [{"matchExpressions": [
            {"key": "zone", "operator": operator, "values": values},
        ]}]});
        let refusals = refusals(&schema, &object("L2Advertisement", "v1beta1", &spec), None);
        let error = Selector::compile(&LabelSelector {
            match_expressions: vec![LabelSelectorRequirement {
                key: "zone".into(),
                operator: operator.into(),
                values: values.iter().map(|value| (*value).to_owned()).collect(),
            }],
            ..LabelSelector::default()
        });
        let compiler = error.unwrap_err().to_string();
        assert!(refusals[0].ends_with(&compiler), "{refusals:?}\n{compiler}");
    }
}

/// Text that looks like an item, mostly: digits, dots, colons and the like, or real pieces.
///
/// Leading zeros in an IPv4 address (`10.0.0.01`) are left out: Kubernetes' `isCIDR` and the
/// compiler refuse them, but the CEL library of these tests takes them.
fn item() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<std::net::Ipv4Addr>().prop_map(|address| address.to_string()),
        any::<std::net::Ipv6Addr>().prop_map(|address| address.to_string()),
        (0..300_u16).prop_map(|number| number.to_string()),
        "[0-9a-f:./ -]{0,8}",
    ];
    let joint = prop_oneof![Just("-"), Just(" - "), Just("/"), Just("")];
    (piece.clone(), joint, piece)
        .prop_map(|(a, joint, b)| format!("{a}{joint}{b}"))
        .prop_filter("leading zero", |item| !has_leading_zero(item))
}

fn has_leading_zero(item: &str) -> bool {
    item.split(|c: char| !c.is_ascii_digit()).any(|digits| digits.len() > 1 && digits.starts_with('0'))
}

static POOL: LazyLock<Schema> = LazyLock::new(|| schema("IPAddressPool", "v1beta1"));

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever is written, both judge it alike; but IPv6 order is the compiler's alone.
    #[test]
    fn about_anything(items in proptest::collection::vec(item(), 1..4)) {
        for item in items {
            match (schema_says(&POOL, &item), compiler_says(&item)) {
                (Some(schema), Some(compiler)) => prop_assert!(schema.ends_with(&compiler), "{schema}\n{compiler}"),
                (None, Some(compiler)) => prop_assert!(item.contains(':') && compiler.contains("ends before it starts")),
                (schema, None) => prop_assert_eq!(schema, None, "{}", item),
            }
        }
    }
}
