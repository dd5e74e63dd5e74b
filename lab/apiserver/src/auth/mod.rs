//! Who asks, and what they may do: bearer tokens, impersonation, RBAC, reviews.
//!
//! ```text
//! headers ─► authenticate ─► User ─► authorize ─► the request goes on, or 401, 403
//!              │   │                    │
//!              │   └ impersonate        └ policy: roles and bindings of the store, compiled
//!              └ token: the administrator's, those for tests, and signed ones of service accounts
//!
//! review: TokenRequest, TokenReview, SubjectAccessReview & co: the same questions, asked by the API
//! ```

mod attributes;
mod escalation;
mod impersonate;
mod policy;
mod review;
mod roles;
mod rule;
mod token;
mod validation;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

pub(crate) use attributes::Attributes;
pub(crate) use escalation::check as check_escalation;
pub(crate) use policy::Decision;
pub(crate) use review::answer as answer_review;
pub(crate) use roles::bootstrap_policy;
pub(crate) use validation::{Bindings, Roles};

use crate::api::Api;
use crate::error::{ApiError, Result};
use crate::http::{Query, RequestInfo};
use crate::meta::{Ids, uid};
use token::{Claims, Grant, ISSUER, Signer};

/// For how long a good token is not looked at again, as in kube-apiserver: so long, too, it outlives its account.
const REMEMBERED: Duration = Duration::from_secs(10);

/// How many good tokens are remembered at most.
const MAX_REMEMBERED: usize = 4096;

/// How long tokens live that are made without the API, in seconds: longer than any lab.
const LONG: i64 = 10 * 365 * 24 * 3600;

/// The asker.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct User {
    /// `admin`, `system:serviceaccount:ns:name`, `system:anonymous`, …
    pub(crate) name: String,
    /// The user's UID, where there is one.
    pub(crate) uid: String,
    /// `system:masters`, `system:authenticated`, …
    pub(crate) groups: Vec<String>,
    /// Extra attributes of a token.
    pub(crate) extra: BTreeMap<String, Vec<String>>,
}

impl User {
    /// Who sends no token.
    fn anonymous() -> Self {
        Self {
            name: "system:anonymous".to_owned(),
            groups: vec!["system:unauthenticated".to_owned()],
            ..Self::default()
        }
    }

    /// A service account, with the groups that each is in.
    fn service_account(namespace: &str, name: &str) -> Self {
        Self {
            name: format!("system:serviceaccount:{namespace}:{name}"),
            groups: vec![
                "system:serviceaccounts".to_owned(),
                format!("system:serviceaccounts:{namespace}"),
                "system:authenticated".to_owned(),
            ],
            ..Self::default()
        }
    }
}

/// Tokens, and the policy as it was last compiled.
#[derive(Debug)]
pub(crate) struct Auth {
    /// The administrator's, and those of [`Auth::user_token`].
    fixed: Mutex<HashMap<String, User>>,
    signer: Signer,
    remembered: Mutex<HashMap<String, (User, Instant)>>,
    policy: policy::Cache,
}

/// Why a token is not good.
#[derive(Debug, Clone, PartialEq, Eq)]
enum BadToken {
    /// Unknown, forged, expired, or its account is gone.
    Invalid,
    /// Good, but for these audiences only.
    Audience(Vec<String>),
}

impl Auth {
    /// Knows one token: the administrator's.
    pub(crate) fn new(admin_token: &str) -> Self {
        let admin = User {
            name: "admin".to_owned(),
            uid: "admin".to_owned(),
            groups: [policy::MASTERS, "system:authenticated"].map(str::to_owned).to_vec(),
            ..User::default()
        };
        Self {
            fixed: Mutex::new(HashMap::from([(admin_token.to_owned(), admin)])),
            signer: Signer::new(),
            remembered: Mutex::default(),
            policy: policy::Cache::default(),
        }
    }

    /// A token for a service account, which need not exist.
    pub(crate) fn service_account_token(&self, namespace: &str, name: &str) -> String {
        let issued = now();
        let audiences = [ISSUER.to_owned()];
        self.signer.sign(&Grant { namespace, name, uid: "", audiences: &audiences, issued, expires: issued + LONG })
    }

    /// A token for a user with groups.
    pub(crate) fn user_token(&self, ids: &Ids, name: &str, groups: &[&str]) -> String {
        let groups = groups.iter().copied().chain(["system:authenticated"]).map(str::to_owned).collect();
        let user = User { name: name.to_owned(), groups, ..User::default() };
        let token = ids.uid();
        lock(&self.fixed).insert(token.clone(), user);
        token
    }

    /// Who sent these headers, or as whom they act.
    ///
    /// # Errors
    /// 401 for a token that is not good; 403 for an impersonation that is not allowed.
    pub(crate) fn authenticate(&self, api: &Api, headers: &HeaderMap) -> Result<User> {
        let header = headers.get(AUTHORIZATION).and_then(|header| header.to_str().ok()).unwrap_or_default();
        let token = header.strip_prefix("Bearer ").map(str::trim).unwrap_or_default();
        let user = if token.is_empty() { User::anonymous() } else { self.bearer(api, token)? };
        impersonate::impersonated(self, api, user, headers)
    }

    fn bearer(&self, api: &Api, token: &str) -> Result<User> {
        let time = Instant::now();
        if let Some((user, until)) = lock(&self.remembered).get(token)
            && *until > time
        {
            return Ok(user.clone());
        }
        let (user, _) = self.verify(api, token, &[]).map_err(|_| ApiError::new(401, "Unauthorized", "Unauthorized"))?;
        let mut remembered = lock(&self.remembered);
        if remembered.len() >= MAX_REMEMBERED {
            remembered.retain(|_, (_, until)| *until > time);
        }
        if remembered.len() < MAX_REMEMBERED {
            remembered.insert(token.to_owned(), (user.clone(), time + REMEMBERED));
        }
        Ok(user)
    }

    /// Whose token this is, and for which of the wanted audiences (none wanted: for this server) it is good.
    fn verify(&self, api: &Api, token: &str, wanted: &[String]) -> Result<(User, Vec<String>), BadToken> {
        let own = [ISSUER.to_owned()];
        let wanted = if wanted.is_empty() { &own } else { wanted };
        if let Some(user) = lock(&self.fixed).get(token) {
            return Ok((user.clone(), wanted.to_vec()));
        }
        let claims = self.signer.verify(token, now()).filter(|claims| account_is_there(api, claims));
        let claims = claims.ok_or(BadToken::Invalid)?;
        let good: Vec<String> = wanted.iter().filter(|audience| claims.audiences.contains(audience)).cloned().collect();
        if good.is_empty() { Err(BadToken::Audience(claims.audiences)) } else { Ok((claims.user(), good)) }
    }

    /// Whether the user may do what the request asks for.
    ///
    /// # Errors
    /// 403, in kube-apiserver's words.
    pub(crate) fn authorize(&self, api: &Api, user: &User, info: &RequestInfo, query: &Query) -> Result<()> {
        self.require(api, user, &Attributes::of_request(info, query))
    }

    /// Whether the user may do this.
    pub(crate) fn decide(&self, api: &Api, user: &User, attributes: &Attributes) -> Decision {
        self.policy.get(&api.store).decide(user, attributes)
    }

    /// 403 unless the user may do this.
    fn require(&self, api: &Api, user: &User, attributes: &Attributes) -> Result<()> {
        let decision = self.decide(api, user, attributes);
        if decision.allowed { Ok(()) } else { Err(attributes.forbidden(user, &decision.reason)) }
    }
}

/// A token dies with its account, even if a new one has the same name.
fn account_is_there(api: &Api, claims: &Claims) -> bool {
    let account = || api.store.get("serviceaccounts", &crate::store::key(&claims.namespace, &claims.name));
    claims.uid.is_empty() || account().is_some_and(|account| uid(&account.value) == claims.uid)
}

/// Unix time in seconds.
fn now() -> i64 {
    Timestamp::now().as_second()
}

/// The texts of a JSON list; everything else in it is left out.
fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
