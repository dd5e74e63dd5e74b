//! Accept/refuse tables: what each kind's schema takes, what it refuses, and in which words.
//!
//! Every object passes through what an API server does with it: unknown fields are found (there
//! must be none), defaults set, types and bounds checked, CEL rules run.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests: a test that cannot go on fails")]

mod bgp;
mod bgp_wording;
mod communities;
mod l2;
mod objects;
mod pools;
mod selectors;
mod wording;

use herald_apiserver_schema::{Part, Schema};
use herald_crds::definition;
use serde_json::{Value, json};

/// The schema of `kind` in `version`.
fn schema(kind: &str, version: &str) -> Schema {
    let all = definition::all().unwrap();
    let definition = all.iter().find(|definition| definition.spec.names.kind == kind).unwrap();
    let version = definition.spec.versions.iter().find(|served| served.name == version).unwrap();
    let openapi = version.schema.as_ref().unwrap().open_api_v3_schema.as_ref().unwrap();
    let openapi = serde_json::to_value(openapi).unwrap();
    Schema::parse(&openapi, "schema").unwrap_or_else(|causes| panic!("{kind}: {causes:?}"))
}

/// What a write of `object` is refused for, one line per cause: `field: message`. The server's
/// remark that rules were skipped because of other causes is left out.
fn refusals(schema: &Schema, object: &Value, old: Option<&Value>) -> Vec<String> {
    let mut object = object.clone();
    let unknown = schema.prune(&mut object);
    assert!(unknown.is_empty(), "unknown fields {unknown:?}");
    schema.apply_defaults(&mut object);
    let line = |cause: &herald_apiserver_schema::Cause| format!("{}: {}", cause.field, cause.message);
    let causes = schema.check(&object, old, Part::Object);
    causes.iter().filter(|cause| cause.field != "<nil>").map(line).collect()
}

fn object(kind: &str, version: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": format!("metallb.io/{version}"),
        "kind": kind,
        "metadata": {"name": "x", "namespace": "metallb-system"},
        "spec": spec,
    })
}

/// The beginning of `spec`, for messages.
fn short(spec: &Value) -> String {
    spec.to_string().chars().take(300).collect()
}

/// Each `spec` must be taken.
fn accepts(kind: &str, version: &str, specs: impl IntoIterator<Item = Value>) {
    let schema = schema(kind, version);
    for spec in specs {
        let refusals = refusals(&schema, &object(kind, version, &spec), None);
        assert!(refusals.is_empty(), "{}\n{refusals:#?}", short(&spec));
    }
}

/// Each `spec` must be refused for one cause, with the field and all the words given.
fn refuses<const N: usize>(
    kind: &str,
    version: &str,
    cases: impl IntoIterator<Item = (Value, &'static str, [&'static str; N])>,
) {
    let schema = schema(kind, version);
    for (spec, field, words) in cases {
        let refusals = refusals(&schema, &object(kind, version, &spec), None);
        assert_eq!(refusals.len(), 1, "{}\n{refusals:#?}", short(&spec));
        let refusal = &refusals[0];
        assert!(refusal.starts_with(&format!("{field}: ")), "{}\n{refusal}", short(&spec));
        for word in words {
            assert!(refusal.contains(word), "{}\n{refusal}\nlacks {word:?}", short(&spec));
        }
    }
}
