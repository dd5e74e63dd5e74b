//! What is known of the Secrets with passwords.

use std::collections::{BTreeMap, BTreeSet};

use herald_compiler::object::Password;

use crate::watch::secret::{SecretSeen, SecretTrouble};

/// What is known of a Secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Secret {
    /// The password that it has, or had last.
    pub password: Option<Password>,
    /// What is wrong with it now.
    pub trouble: Option<SecretTrouble>,
}

/// What is known of all Secrets that were read, by name.
///
/// A Secret that is deleted or spoiled ends no session: its password is remembered as long as it is referred to and the
/// speaker lives. Who wants a session to end removes its BGPPeer.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    known: BTreeMap<String, Secret>,
}

impl Secrets {
    /// A Secret was read. True if that changes anything.
    pub fn take(&mut self, name: &str, seen: SecretSeen) -> bool {
        let known = self.known.get(name).cloned();
        let now = match seen {
            Ok(password) => Secret { password: Some(password), trouble: None },
            Err(trouble) => {
                let password = known.as_ref().and_then(|secret| secret.password.clone());
                Secret { password, trouble: Some(trouble) }
            }
        };
        if known.as_ref() == Some(&now) {
            return false;
        }
        self.known.insert(name.to_owned(), now);
        true
    }

    /// Forgets those that are not referred to any more.
    pub fn retain(&mut self, wanted: &BTreeSet<String>) {
        self.known.retain(|name, _| wanted.contains(name));
    }

    /// What is known of one; `None`: it was not read yet.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Secret> {
        self.known.get(name)
    }
}
