//! Answers, and the form in which the client wants them.

use std::convert::Infallible;
use std::fmt;

use ::http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use ::http::{HeaderMap, Response, StatusCode};
use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use serde_json::Value;

use crate::error::{ApiError, Result};

/// The body of every answer.
pub(crate) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// How objects are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As they are.
    Full,
    /// `meta.k8s.io/v1 Table`: rows of cells, for `kubectl get`.
    Table,
    /// `meta.k8s.io/v1 PartialObjectMetadata`: metadata alone.
    Partial,
    /// `meta.k8s.io/v1 PartialObjectMetadataList`: the same for lists.
    PartialList,
}

/// What the `Accept` header asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Negotiated {
    /// How objects are shown; `None` when nothing that is asked for can be given.
    form: Option<Form>,
    yaml: bool,
}

impl Negotiated {
    /// The first alternative of the header that this server can give. Protobuf and CBOR it cannot.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Self {
        let accept =
            headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect::<Vec<_>>().join(",");
        if accept.trim().is_empty() {
            return Self { form: Some(Form::Full), yaml: false };
        }
        for alternative in accept.split(',') {
            let mut parts = alternative.split(';').map(str::trim);
            let yaml = match parts.next() {
                Some("application/json" | "*/*" | "application/*" | "text/plain" | "text/*") => false,
                Some("application/yaml") => true,
                _ => continue,
            };
            let form = match parts.find_map(|p| p.strip_prefix("as=")) {
                None => Form::Full,
                Some("Table") => Form::Table,
                Some("PartialObjectMetadata") => Form::Partial,
                Some("PartialObjectMetadataList") => Form::PartialList,
                Some(_) => continue, // such as APIGroupDiscoveryList, which discovery reads for itself
            };
            return Self { form: Some(form), yaml };
        }
        Self { form: None, yaml: false }
    }

    /// How objects are to be shown.
    ///
    /// # Errors
    /// 406 when every alternative is one this server cannot give.
    pub(crate) fn form(&self) -> Result<Form> {
        self.form.ok_or_else(|| {
            ApiError::new(
                406,
                "NotAcceptable",
                "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, \
                 application/vnd.kubernetes.protobuf, application/json;stream=watch, \
                 application/vnd.kubernetes.protobuf;stream=watch",
            )
            .with_details(serde_json::json!({}))
        })
    }
}

/// An answer before it is put on the wire.
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(HeaderName, HeaderValue)>,
    content: Content,
}

enum Content {
    Json(Bytes),
    Text(Bytes, &'static str),
    Stream(Body),
    Empty,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("status", &self.status).field("headers", &self.headers).finish_non_exhaustive()
    }
}

impl Answer {
    /// JSON that is encoded already.
    pub(crate) fn json_bytes(status: u16, json: Bytes) -> Self {
        Self { status, headers: Vec::new(), content: Content::Json(json) }
    }

    /// A JSON value.
    pub(crate) fn json(status: u16, value: &Value) -> Self {
        Self::json_bytes(status, Bytes::from(value.to_string()))
    }

    /// Plain text.
    pub(crate) fn text(status: u16, text: impl Into<String>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content: Content::Text(Bytes::from(text.into()), "text/plain; charset=utf-8"),
        }
    }

    /// `404 page not found`: the path is none that is served, not even as a group.
    pub(crate) fn page_not_found() -> Self {
        Self::text(404, "404 page not found\n")
    }

    /// 304: the client has it already.
    pub(crate) fn not_modified() -> Self {
        Self { status: 304, headers: Vec::new(), content: Content::Empty }
    }

    /// A watch: JSON documents one after another for as long as they come.
    pub(crate) fn stream(body: Body) -> Self {
        Self { status: 200, headers: Vec::new(), content: Content::Stream(body) }
    }

    /// A refusal.
    pub(crate) fn failure(error: &ApiError) -> Self {
        let mut answer = Self::json(error.code, &error.status());
        if let Some(seconds) = error.details.as_ref().and_then(|details| details.get("retryAfterSeconds")) {
            answer = answer.header("retry-after", &seconds.to_string());
        }
        answer
    }

    /// Adds a header; one whose value cannot stand in HTTP is left out.
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((HeaderName::from_static(name), value));
        }
        self
    }

    /// Adds `Warning: 299 - "…"` headers, which kubectl prints.
    pub(crate) fn warnings(mut self, warnings: &[String]) -> Self {
        for warning in warnings {
            let quoted = warning.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', " ");
            self = self.header("warning", &format!("299 - \"{quoted}\""));
        }
        self
    }

    /// The HTTP answer.
    pub(crate) fn into_response(self, negotiated: &Negotiated) -> Response<Body> {
        let (body, content_type) = match self.content {
            Content::Json(json) if negotiated.yaml => {
                match serde_json::from_slice::<Value>(&json).ok().and_then(|value| serde_yaml::to_string(&value).ok()) {
                    Some(yaml) => (full(Bytes::from(yaml)), "application/yaml"),
                    None => (full(json), "application/json"),
                }
            }
            Content::Json(json) => (full(json), "application/json"),
            Content::Text(text, content_type) => (full(text), content_type),
            Content::Stream(body) => (body, "application/json"),
            Content::Empty => (full(Bytes::new()), ""),
        };
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        if !content_type.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        for (name, value) in self.headers {
            if name == CONTENT_TYPE {
                headers.insert(name, value);
            } else {
                headers.append(name, value);
            }
        }
        response
    }
}

fn full(bytes: Bytes) -> Body {
    Full::new(bytes).boxed_unsync()
}
