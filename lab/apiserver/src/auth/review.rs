//! Questions about tokens and access, asked through the API: nothing is stored, the answer is the object.

use std::collections::BTreeMap;

use herald_apiserver_schema::Cause;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::policy::MASTERS;
use super::token::{Grant, ISSUER};
use super::{Attributes, BadToken, User, now, texts};
use crate::api::Api;
use crate::error::{About, ApiError, Result};
use crate::http::{Answer, Call, Target};
use crate::meta::{text, time_now, uid};

const AUTHENTICATION: &str = "authentication.k8s.io";
const AUTHORIZATION: &str = "authorization.k8s.io";

/// The shortest and the longest life of a token, in seconds.
const SHORTEST: i64 = 600;
const LONGEST: i64 = 1 << 32;

/// Answers a POST of a review or token request; None if the call is something else.
pub(crate) fn answer(api: &Api, call: &Call) -> Option<Result<Answer>> {
    let target = call.info.target.as_ref().filter(|_| call.info.verb == "create")?;
    let reviewed = match (target.group.as_str(), target.resource.as_str(), target.subresource.as_str()) {
        ("", "serviceaccounts", "token") => call.input.document().and_then(|body| token_request(api, target, &body)),
        (AUTHENTICATION, "tokenreviews", "") => call.input.document().and_then(|body| token_review(api, body)),
        (AUTHENTICATION, "selfsubjectreviews", "") => Ok(self_review(&call.user)),
        (AUTHORIZATION, "subjectaccessreviews", "") => {
            call.input.document().and_then(|body| access_review(api, body, ""))
        }
        (AUTHORIZATION, "localsubjectaccessreviews", "") => {
            call.input.document().and_then(|body| access_review(api, body, &target.namespace))
        }
        (AUTHORIZATION, "selfsubjectaccessreviews", "") => {
            call.input.document().and_then(|body| self_access_review(api, &call.user, body))
        }
        (AUTHORIZATION, "selfsubjectrulesreviews", "") => {
            call.input.document().and_then(|body| self_rules_review(api, &call.user, &body))
        }
        _ => return None,
    };
    Some(reviewed.map(|object| Answer::json(201, &object)))
}

fn token_request(api: &Api, target: &Target, body: &Value) -> Result<Value> {
    let about = About { group: "", resource: "serviceaccounts", kind: "ServiceAccount" };
    let (namespace, name) = (target.namespace.as_str(), target.name.as_str());
    let account = api
        .store
        .get("serviceaccounts", &crate::store::key(namespace, name))
        .ok_or_else(|| ApiError::not_found(about, name))?;
    let seconds = body.pointer("/spec/expirationSeconds").and_then(Value::as_i64).unwrap_or(3600);
    let wrong = match seconds {
        ..SHORTEST => Some("may not specify a duration less than 10 minutes"),
        LONGEST.. => Some("may not specify a duration larger than 2^32 seconds"),
        _ => None,
    };
    if let Some(detail) = wrong {
        let cause = Cause::invalid("spec.expirationSeconds", &seconds.into(), detail);
        let about = About { group: AUTHENTICATION, resource: "tokenrequests", kind: "TokenRequest" };
        return Err(ApiError::invalid(about, "", &[cause]));
    }
    let mut audiences = body.pointer("/spec/audiences").map(texts).unwrap_or_default();
    if audiences.is_empty() {
        audiences.push(ISSUER.to_owned());
    }
    let (issued, uid) = (now(), uid(&account.value));
    let expires = issued.saturating_add(seconds);
    let token = api.auth.signer.sign(&Grant { namespace, name, uid, audiences: &audiences, issued, expires });
    let expiration = Timestamp::from_second(expires).unwrap_or(Timestamp::MAX);
    Ok(json!({
        "kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1",
        "metadata": {"name": name, "namespace": namespace, "uid": uid, "creationTimestamp": time_now()},
        "spec": {
            "audiences": audiences, "expirationSeconds": seconds,
            "boundObjectRef": body.pointer("/spec/boundObjectRef").cloned().unwrap_or_default(),
        },
        "status": {"token": token, "expirationTimestamp": expiration.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()},
    }))
}

fn token_review(api: &Api, mut review: Value) -> Result<Value> {
    let token = text(&review, "/spec/token");
    if token.is_empty() {
        return Err(ApiError::bad_request("token is required for TokenReview in authentication"));
    }
    let wanted = review.pointer("/spec/audiences").map(texts).unwrap_or_default();
    let status = match api.auth.verify(api, token, &wanted) {
        Ok((user, audiences)) => json!({"authenticated": true, "user": user_info(&user), "audiences": audiences}),
        Err(BadToken::Invalid) => json!({"user": {}, "error": "invalid bearer token"}),
        Err(BadToken::Audience(audiences)) => {
            let (has, wants) = (go_list(&audiences), go_list(&wanted));
            let error = format!("token audiences {has} is invalid for the target audiences {wants}");
            json!({"user": {}, "error": format!("[invalid bearer token, {error}]")})
        }
    };
    complete(&mut review, "TokenReview", AUTHENTICATION, status);
    Ok(review)
}

/// A list as Go's `%q` prints it.
pub(super) fn go_list(items: &[String]) -> String {
    format!("[{}]", items.iter().map(|item| format!("{item:?}")).collect::<Vec<_>>().join(" "))
}

fn self_review(user: &User) -> Value {
    json!({
        "kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1",
        "metadata": {"creationTimestamp": time_now()}, "status": {"userInfo": user_info(user)},
    })
}

fn user_info(user: &User) -> Value {
    let mut info = json!({"username": user.name, "groups": user.groups});
    if !user.uid.is_empty() {
        info["uid"] = user.uid.as_str().into();
    }
    if !user.extra.is_empty() {
        info["extra"] = json!(user.extra);
    }
    info
}

fn access_review(api: &Api, mut review: Value, namespace: &str) -> Result<Value> {
    let spec = review.get("spec").cloned().unwrap_or_default();
    let attributes = attributes(&spec)?;
    let groups = spec.get("groups").map(texts).unwrap_or_default();
    let user = User { name: text(&spec, "/user").to_owned(), groups, extra: BTreeMap::new(), uid: String::new() };
    if user.name.is_empty() && user.groups.is_empty() {
        let detail = "at least one of user or group must be specified";
        return Err(invalid(&Cause::invalid("spec.user", &"".into(), detail)));
    }
    let asked = attributes.resource.as_ref().map(|of| of.namespace.as_str()).unwrap_or_default();
    if !namespace.is_empty() && asked != namespace {
        let field = "spec.resourceAttributes.namespace";
        return Err(invalid(&Cause::invalid(field, &asked.into(), "must match metadata.namespace")));
    }
    let kind = if namespace.is_empty() { "SubjectAccessReview" } else { "LocalSubjectAccessReview" };
    let status = decision(api, &user, &attributes);
    complete(&mut review, kind, AUTHORIZATION, status);
    Ok(review)
}

fn self_access_review(api: &Api, user: &User, mut review: Value) -> Result<Value> {
    let attributes = attributes(review.get("spec").unwrap_or(&Value::Null))?;
    let status = decision(api, user, &attributes);
    complete(&mut review, "SelfSubjectAccessReview", AUTHORIZATION, status);
    Ok(review)
}

fn attributes(spec: &Value) -> Result<Attributes> {
    Attributes::of_review(spec).ok_or_else(|| {
        let detail = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
        invalid(&Cause::invalid("spec.resourceAttributes", &Value::Null, detail))
    })
}

fn decision(api: &Api, user: &User, attributes: &Attributes) -> Value {
    let decision = api.auth.decide(api, user, attributes);
    let mut status = json!({"allowed": decision.allowed});
    if !decision.reason.is_empty() {
        status["reason"] = decision.reason.into();
    }
    status
}

fn self_rules_review(api: &Api, user: &User, review: &Value) -> Result<Value> {
    let namespace = text(review, "/spec/namespace");
    if namespace.is_empty() {
        return Err(ApiError::bad_request("no namespace on request"));
    }
    let (rules, missing) = api.auth.policy.get(&api.store).rules_for(user, namespace);
    let mut resources: Vec<Value> = rules.iter().filter_map(super::rule::Rule::resource_rule).collect();
    let mut urls: Vec<Value> = rules.iter().filter_map(super::rule::Rule::url_rule).collect();
    if user.groups.iter().any(|group| group == MASTERS) {
        resources.insert(0, json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}));
        urls.insert(0, json!({"verbs": ["*"], "nonResourceURLs": ["*"]}));
    }
    let mut status = json!({"resourceRules": resources, "nonResourceRules": urls, "incomplete": false});
    if !missing.is_empty() {
        status["evaluationError"] = missing.join(", ").into();
    }
    Ok(json!({
        "kind": "SelfSubjectRulesReview", "apiVersion": "authorization.k8s.io/v1", "metadata": {}, "spec": {},
        "status": status,
    }))
}

/// Fills in what the answer has and the question need not have.
fn complete(review: &mut Value, kind: &str, group: &str, status: Value) {
    let map = crate::meta::map_of(review);
    map.insert("kind".to_owned(), kind.into());
    map.insert("apiVersion".to_owned(), format!("{group}/v1").into());
    map.entry("metadata").or_insert_with(|| json!({}));
    map.insert("status".to_owned(), status);
}

/// 422 as the authorization group says it: without a kind.
fn invalid(cause: &Cause) -> ApiError {
    ApiError::invalid(About { group: AUTHORIZATION, resource: "", kind: "" }, "", std::slice::from_ref(cause))
}
