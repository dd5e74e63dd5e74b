//! Acting as somebody else: `Impersonate-*` headers, as `kubectl --as` sends them.

use std::collections::BTreeMap;

use http::HeaderMap;

use super::{Attributes, Auth, User};
use crate::api::Api;
use crate::error::{ApiError, Result};
use crate::http::decode;

const EXTRA: &str = "impersonate-extra-";

/// The user that the headers ask to act as; the asker where they ask for nobody.
///
/// # Errors
/// 403 where the asker may not impersonate one of user, groups, UID and extra; 400 for groups without a user.
pub(super) fn impersonated(auth: &Auth, api: &Api, asker: User, headers: &HeaderMap) -> Result<User> {
    let all = |name: &str| -> Vec<String> {
        headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).map(str::to_owned).collect()
    };
    let one = |name: &str| all(name).into_iter().next().unwrap_or_default();
    let (name, uid, mut groups) = (one("impersonate-user"), one("impersonate-uid"), all("impersonate-group"));
    let extra = extra(headers);
    if name.is_empty() {
        if uid.is_empty() && groups.is_empty() && extra.is_empty() {
            return Ok(asker);
        }
        return Err(ApiError::bad_request("requested impersonation of groups, UID or extra without a user"));
    }

    let account = name.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':'));
    let user_rule = match account {
        Some((namespace, account)) => {
            Attributes::for_resource("impersonate", "", "serviceaccounts", "", namespace, account)
        }
        None => Attributes::for_resource("impersonate", "", "users", "", "", &name),
    };
    auth.require(api, &asker, &user_rule)?;
    for group in &groups {
        auth.require(api, &asker, &Attributes::for_resource("impersonate", "", "groups", "", "", group))?;
    }
    let group = "authentication.k8s.io";
    if !uid.is_empty() {
        auth.require(api, &asker, &Attributes::for_resource("impersonate", group, "uids", "", "", &uid))?;
    }
    for (key, values) in &extra {
        for value in values {
            auth.require(api, &asker, &Attributes::for_resource("impersonate", group, "userextras", key, "", value))?;
        }
    }

    if name == "system:anonymous" {
        return Ok(User::anonymous());
    }
    if let (true, Some((namespace, account))) = (groups.is_empty(), account) {
        groups = User::service_account(namespace, account).groups;
    }
    if !groups.iter().any(|group| matches!(group.as_str(), "system:authenticated" | "system:unauthenticated")) {
        groups.push("system:authenticated".to_owned());
    }
    Ok(User { name, uid, groups, extra })
}

fn extra(headers: &HeaderMap) -> BTreeMap<String, Vec<String>> {
    let mut extra: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in headers {
        if let (Some(key), Ok(value)) = (name.as_str().strip_prefix(EXTRA), value.to_str()) {
            extra.entry(decode(key, false)).or_default().push(value.to_owned());
        }
    }
    extra
}
