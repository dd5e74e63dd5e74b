//! Who asks, and what they may do: bearer tokens, RBAC, reviews.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::api::Api;
use crate::error::{ApiError, Result};
use crate::http::RequestInfo;
use crate::meta::Ids;

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

/// Tokens that are known.
#[derive(Debug)]
pub(crate) struct Auth {
    tokens: Mutex<HashMap<String, User>>,
}

impl Auth {
    /// Knows one token: the administrator's.
    pub(crate) fn new(admin_token: &str) -> Self {
        let admin = User {
            name: "admin".to_owned(),
            groups: ["system:masters", "system:authenticated"].map(str::to_owned).to_vec(),
            ..User::default()
        };
        Self { tokens: Mutex::new(HashMap::from([(admin_token.to_owned(), admin)])) }
    }

    /// A token for a service account.
    pub(crate) fn service_account_token(&self, namespace: &str, name: &str) -> String {
        let token = format!("sa.{namespace}.{name}");
        let user = User {
            name: format!("system:serviceaccount:{namespace}:{name}"),
            groups: vec![
                "system:serviceaccounts".to_owned(),
                format!("system:serviceaccounts:{namespace}"),
                "system:authenticated".to_owned(),
            ],
            ..User::default()
        };
        self.remember(token, user)
    }

    /// A token for a user with groups.
    pub(crate) fn user_token(&self, ids: &Ids, name: &str, groups: &[&str]) -> String {
        let mut groups: Vec<String> = groups.iter().map(|g| (*g).to_owned()).collect();
        groups.push("system:authenticated".to_owned());
        let user = User { name: name.to_owned(), groups, ..User::default() };
        self.remember(ids.uid(), user)
    }

    /// Who sent these headers.
    pub(crate) fn authenticate(&self, _api: &Api, headers: &HeaderMap) -> Result<User> {
        let Some(header) = headers.get(AUTHORIZATION) else {
            return Ok(User {
                name: "system:anonymous".to_owned(),
                groups: vec!["system:unauthenticated".to_owned()],
                ..User::default()
            });
        };
        let token = header.to_str().ok().and_then(|h| h.strip_prefix("Bearer ")).unwrap_or_default();
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.get(token.trim()).cloned().ok_or_else(|| ApiError::new(401, "Unauthorized", "Unauthorized"))
    }

    /// Whether the user may do this.
    pub(crate) fn authorize(&self, _api: &Api, user: &User, info: &RequestInfo) -> Result<()> {
        if user.name == "system:anonymous" {
            return Err(ApiError::new(
                403,
                "Forbidden",
                format!("forbidden: User {:?} cannot {} path {:?}", user.name, info.verb, info.path),
            ));
        }
        Ok(())
    }

    fn remember(&self, token: String, user: User) -> String {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.insert(token.clone(), user);
        token
    }
}
