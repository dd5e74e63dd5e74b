//! OpenAPI: what objects look like. kubectl reads it before `explain`, `create` and `apply`.
//!
//! `/openapi/v3` lists one document per group and version with a hash of its content, so that a client fetches only what
//! changed. Built-in kinds are described by the types of the `k8s-openapi` crate ([`builtin`]), custom resources by
//! their definitions ([`custom`]).

mod builtin;
mod custom;
mod document;
mod lists;
mod operations;
mod v2;

use std::collections::BTreeMap;

use ::http::header::{ACCEPT, IF_MODIFIED_SINCE};
use serde_json::{Map, Value, json};

use crate::api::Api;
use crate::discovery::{etag, hash, is_known};
use crate::http::{Answer, Call};
use document::Document;

/// Answers `/openapi/…`; `None` for other paths.
pub(crate) fn answer(api: &Api, call: &Call) -> Option<Answer> {
    let rest = call.info.path.strip_prefix("/openapi/")?;
    match rest.trim_end_matches('/') {
        "v2" => Some(v2(api, call)),
        "v3" => Some(index(api, call)),
        other => {
            let group_version = other.strip_prefix("v3/")?;
            Some(document(api, call, group_version))
        }
    }
}

/// All documents by path, such as `apis/apps/v1`.
fn documents(api: &Api) -> BTreeMap<String, Document> {
    let mut documents: BTreeMap<String, Document> = BTreeMap::new();
    for resource in api.registry.all() {
        for version in &resource.versions {
            let path = match resource.group.as_str() {
                "" => format!("api/{}", version.name),
                group => format!("apis/{group}/{}", version.name),
            };
            let document = documents.entry(path).or_insert_with(|| Document::new(&resource.group, &version.name));
            document.add(std::sync::Arc::clone(&resource));
        }
    }
    documents
}

fn index(api: &Api, call: &Call) -> Answer {
    let mut paths = Map::new();
    for (path, document) in documents(api) {
        let url = format!("/openapi/v3/{path}?hash={}", document.hash());
        paths.insert(path, json!({"serverRelativeURL": url}));
    }
    let text = json!({"paths": paths}).to_string();
    let modified = last_modified(&text);
    if call.headers.get(IF_MODIFIED_SINCE).is_some_and(|since| since.as_bytes() == modified.as_bytes()) {
        return Answer::not_modified();
    }
    Answer::text(200, text).header("last-modified", &modified)
}

/// A time that stands for a content. kubectl sends it back (`If-Modified-Since`) to learn whether the index has changed;
/// the index has no ETag. It lies within four years after 2020, chosen by the content's hash, so that no state is kept
/// and the same content always has the same time.
fn last_modified(text: &str) -> String {
    const START: i64 = 1_577_836_800;
    let digits: String = hash(text).chars().take(6).collect();
    let offset = i64::from_str_radix(&digits, 16).unwrap_or(0) * 7;
    let time = jiff::Timestamp::from_second(START + offset).unwrap_or_default();
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn document(api: &Api, call: &Call, path: &str) -> Answer {
    let Some(document) = documents(api).remove(path) else {
        return Answer::page_not_found();
    };
    let hash = document.hash();
    match call.query.get("hash") {
        Some(asked) if asked != hash => {
            let url = format!("/openapi/v3/{path}?hash={hash}");
            return Answer::text(301, "").header("location", &url);
        }
        _ => {}
    }
    let tag = format!("\"{hash}\"");
    if is_known(&call.headers, &tag) {
        return Answer::not_modified().header("etag", &tag);
    }
    Answer::json(200, &document.render()).header("etag", &tag).header("vary", "Accept")
}

/// The media types in which kubectl asks for the older form when it meets a kind that nobody serves. The answer has the
/// second: an `@` may not stand there, and Go's clients refuse it.
const V2_PROTOBUF: [&str; 2] = [
    "application/com.github.proto-openapi.spec.v2@v1.0+protobuf",
    "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
];

fn v2(api: &Api, call: &Call) -> Answer {
    let accept = call.headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let protobuf = accept.flat_map(|value| value.split(',')).any(|media| V2_PROTOBUF.contains(&media.trim()));
    // As protobuf a document without definitions: field 1 is `swagger: "2.0"`.
    let document = if protobuf { "\n\u{3}2.0".to_owned() } else { v2::render(&documents(api)).to_string() };
    let tag = etag(&document);
    if is_known(&call.headers, &tag) {
        return Answer::not_modified().header("etag", &tag);
    }
    let content_type = if protobuf { V2_PROTOBUF[1] } else { "application/json" };
    Answer::text(200, document).header("content-type", content_type).header("etag", &tag)
}

/// A hash that tells contents apart.
fn content_hash(content: &Value) -> String {
    hash(&content.to_string())
}

#[cfg(test)]
mod tests;
