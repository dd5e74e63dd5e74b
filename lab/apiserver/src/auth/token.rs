//! Tokens of service accounts: signed JSON Web Tokens (RFC 7519), so that none has to be remembered.
//!
//! They look like those of kube-apiserver (issuer, audience, expiry, the account and its UID), but are signed with a
//! secret of this process (HS256), not a key pair: nobody else has to verify them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::User;
use crate::meta::{Ids, text};

/// The issuer, and the audience of the API server itself.
pub(super) const ISSUER: &str = "https://kubernetes.default.svc";

/// Signs tokens and knows its own signature.
#[derive(Debug)]
pub(super) struct Signer {
    secret: String,
    ids: Ids,
}

/// What a token is issued for.
#[derive(Debug, Clone)]
pub(super) struct Grant<'a> {
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
    /// UID of the service account; empty = it need not exist.
    pub(super) uid: &'a str,
    pub(super) audiences: &'a [String],
    /// Unix time in seconds.
    pub(super) issued: i64,
    /// Unix time in seconds.
    pub(super) expires: i64,
}

/// A token that was signed here and has not expired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claims {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) uid: String,
    pub(super) audiences: Vec<String>,
    /// The token's own UUID.
    pub(super) id: String,
}

impl Signer {
    /// A signer with a secret of its own.
    pub(super) fn new() -> Self {
        let ids = Ids::new();
        Self { secret: format!("{}{}", ids.uid(), ids.uid()), ids }
    }

    /// Issues a token.
    pub(super) fn sign(&self, grant: &Grant<'_>) -> String {
        let header = json!({"alg": "HS256", "typ": "JWT"});
        let claims = json!({
            "iss": ISSUER, "aud": grant.audiences, "iat": grant.issued, "nbf": grant.issued, "exp": grant.expires,
            "jti": self.ids.uid(), "sub": format!("system:serviceaccount:{}:{}", grant.namespace, grant.name),
            "kubernetes.io": {
                "namespace": grant.namespace, "serviceaccount": {"name": grant.name, "uid": grant.uid},
            },
        });
        let signed = format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()));
        let signature = BASE64.encode(self.signature(&signed));
        format!("{signed}.{signature}")
    }

    /// The claims of a token that was signed here and is valid at `now` (Unix time in seconds).
    pub(super) fn verify(&self, token: &str, now: i64) -> Option<Claims> {
        let (signed, signature) = token.rsplit_once('.')?;
        if BASE64.decode(signature).ok()? != self.signature(signed) {
            return None;
        }
        let (_, claims) = signed.split_once('.')?;
        let claims: Value = serde_json::from_slice(&BASE64.decode(claims).ok()?).ok()?;
        let time = |name: &str| claims.get(name).and_then(Value::as_i64);
        if time("nbf")? > now || time("exp")? <= now {
            return None;
        }
        let of = claims.get("kubernetes.io")?;
        Some(Claims {
            namespace: text(of, "/namespace").to_owned(),
            name: text(of, "/serviceaccount/name").to_owned(),
            uid: text(of, "/serviceaccount/uid").to_owned(),
            audiences: claims.get("aud").map(super::texts).unwrap_or_default(),
            id: text(&claims, "/jti").to_owned(),
        })
    }

    /// HMAC (RFC 2104) with SHA-256.
    fn signature(&self, text: &str) -> Vec<u8> {
        let mut key = [0_u8; 64];
        for (slot, byte) in key.iter_mut().zip(Sha256::digest(self.secret.as_bytes())) {
            *slot = byte;
        }
        let inner = Sha256::new().chain_update(key.map(|byte| byte ^ 0x36)).chain_update(text.as_bytes()).finalize();
        Sha256::new().chain_update(key.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize().to_vec()
    }
}

impl Claims {
    /// The user that the token stands for.
    pub(super) fn user(&self) -> User {
        let mut user = User::service_account(&self.namespace, &self.name);
        user.uid.clone_from(&self.uid);
        user.extra.insert("authentication.kubernetes.io/credential-id".to_owned(), vec![format!("JTI={}", self.id)]);
        user
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(signer: &Signer) -> String {
        let audiences = [ISSUER.to_owned()];
        signer.sign(&Grant { namespace: "n", name: "a", uid: "u", audiences: &audiences, issued: 100, expires: 200 })
    }

    #[test]
    fn valid_from_issue_to_expiry() {
        let signer = Signer::new();
        let token = token(&signer);
        let claims = signer.verify(&token, 100).unwrap();
        assert_eq!((claims.namespace.as_str(), claims.name.as_str(), claims.uid.as_str()), ("n", "a", "u"));
        assert_eq!(claims.user().name, "system:serviceaccount:n:a");
        assert!(signer.verify(&token, 199).is_some());
        assert!(signer.verify(&token, 99).is_none());
        assert!(signer.verify(&token, 200).is_none());
    }

    #[test]
    fn forged_and_malformed_tokens_are_refused() {
        let signer = Signer::new();
        let token = token(&signer);
        let claims = BASE64.encode(r#"{"sub":"system:serviceaccount:n:b","nbf":0,"exp":9999999999}"#);
        let parts: Vec<&str> = token.split('.').collect();
        for bad in [
            String::new(),
            "a".to_owned(),
            "a.b.c".to_owned(),
            format!("{}.{claims}.{}", parts[0], parts[2]),
            format!("{}.{}", parts[0], parts[2]),
            token.replace('.', ""),
        ] {
            assert_eq!(signer.verify(&bad, 150), None, "{bad}");
        }
        assert_eq!(Signer::new().verify(&token, 150), None);
    }

    #[test]
    fn signatures_depend_on_secret_and_text() {
        let signer = Signer::new();
        assert_eq!(signer.signature("a"), signer.signature("a"));
        assert_ne!(signer.signature("a"), signer.signature("b"));
        assert_ne!(signer.signature("a"), Signer::new().signature("a"));
    }
}
