//! Request bodies.

use ::http::HeaderMap;
use ::http::header::CONTENT_TYPE;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use serde_json::Value;

use super::protobuf::Unreadable;
use crate::error::{ApiError, Result};

/// Largest body that is read: kube-apiserver's own limit.
const LIMIT: usize = 3 * 1024 * 1024;

/// A body as it was sent, and what it says it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Input {
    /// `Content-Type` without parameters; empty when none was sent.
    pub(crate) content_type: String,
    /// The bytes.
    pub(crate) bytes: Bytes,
}

impl Input {
    /// Reads a body to its end.
    ///
    /// # Errors
    /// 413 when it is too large, 400 when the connection broke.
    pub(crate) async fn read(headers: &HeaderMap, body: Incoming) -> Result<Self> {
        let content_type = headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split(';').next())
            .map(|value| value.trim().to_owned())
            .unwrap_or_default();
        let bytes = Limited::new(body, LIMIT).collect().await.map_err(|error| {
            if error.is::<http_body_util::LengthLimitError>() {
                ApiError::new(413, "RequestEntityTooLarge", format!("Request entity too large: limit is {LIMIT}"))
            } else {
                ApiError::bad_request(error.to_string())
            }
        })?;
        Ok(Self { content_type, bytes: bytes.to_bytes() })
    }

    /// Whether nothing was sent.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The body of a create or update, or options of a delete, as a JSON value.
    ///
    /// # Errors
    /// 415 for a content type that is not read here, 400 for a body that is no JSON (or YAML).
    pub(crate) fn document(&self) -> Result<Value> {
        match self.content_type.as_str() {
            "" | "application/json" => self.json(),
            "application/yaml" => self.yaml(),
            "application/vnd.kubernetes.protobuf" => {
                super::protobuf::decode(&self.bytes).map_err(|error| match error {
                    Unreadable::Damaged => ApiError::bad_request(error.to_string()),
                    Unreadable::Kind(_) => ApiError::new(415, "UnsupportedMediaType", error.to_string()),
                })
            }
            _ => Err(ApiError::new(
                415,
                "UnsupportedMediaType",
                "the body of the request was in an unknown format - accepted media types include: \
                 application/json, application/yaml, application/vnd.kubernetes.protobuf",
            )),
        }
    }

    /// The body as JSON, whatever the content type.
    ///
    /// # Errors
    /// 400 when it is none.
    pub(crate) fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.bytes).map_err(|error| {
            // Go's words, where it has some of its own.
            let words = if error.is_eof() { "unexpected end of JSON input".to_owned() } else { error.to_string() };
            ApiError::bad_request(words)
        })
    }

    /// The body as YAML (of which JSON is a part).
    ///
    /// # Errors
    /// 400 when it is none.
    pub(crate) fn yaml(&self) -> Result<Value> {
        if let Ok(value) = serde_json::from_slice(&self.bytes) {
            return Ok(value);
        }
        serde_yaml::from_slice(&self.bytes)
            .map_err(|error| ApiError::bad_request(format!("error decoding YAML: {error}")))
    }
}
