//! HTTP: from a request to what is asked, and from a result to an answer.

mod answer;
mod body;
mod protobuf;
mod query;
mod route;

use std::convert::Infallible;
use std::sync::Arc;

use ::http::{Request, Response};
use hyper::body::Incoming;

pub(crate) use answer::{Answer, Body, Form, Negotiated};
pub(crate) use body::Input;
pub(crate) use query::{Query, decode};
pub(crate) use route::{RequestInfo, Target};

use crate::api::Api;
use crate::error::Result;

/// Everything a handler is told about a request.
#[derive(Debug)]
pub(crate) struct Call {
    /// What the path and method ask for.
    pub(crate) info: RequestInfo,
    /// Query parameters.
    pub(crate) query: Query,
    /// Headers.
    pub(crate) headers: ::http::HeaderMap,
    /// Who asks.
    pub(crate) user: crate::auth::User,
    /// The body as it was sent.
    pub(crate) input: Input,
}

/// Answers one request.
pub(crate) async fn handle(api: Arc<Api>, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let (parts, body) = request.into_parts();
    let negotiated = Negotiated::from_headers(&parts.headers);
    let answer = match answer(&api, parts, body).await {
        Ok(answer) => answer,
        Err(error) => Answer::failure(&error),
    };
    Ok(answer.into_response(&negotiated))
}

async fn answer(api: &Arc<Api>, parts: ::http::request::Parts, body: Incoming) -> Result<Answer> {
    api.pace.request().await;
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let info = RequestInfo::parse(&parts.method, parts.uri.path(), &query);
    let user = api.auth.authenticate(api, &parts.headers)?;
    api.auth.authorize(api, &user, &info, &query)?;
    let input = Input::read(&parts.headers, body).await?;
    let call = Call { info, query, headers: parts.headers, user, input };
    crate::rest::dispatch(api, call).await
}
