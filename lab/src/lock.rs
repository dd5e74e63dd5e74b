//! Tells a living lab from the remains of a killed one, and lets measurements
//! take turns.
//!
//! Both are abstract Unix sockets: a name that exists exactly as long as the
//! process that bound it, that no crash can leave behind and that needs no
//! file. The names are machine-wide (per network namespace of the host).

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

/// Proof that this process owns a name. Dropped, the name is free.
#[derive(Debug)]
pub struct Lock {
    _socket: UnixListener,
}

impl Lock {
    /// Takes the lock of the lab `id`; `None` when a living process has it.
    ///
    /// # Errors
    /// When the kernel refuses for another reason.
    pub fn lab(id: &str) -> Result<Option<Self>> {
        Self::take(&format!("herald-lab/{id}"))
    }

    /// Waits for the machine's one turn to measure: two labs that probe every
    /// 2 ms on the same cores would spoil each other's numbers.
    ///
    /// # Errors
    /// When the turn does not come within `patience`.
    pub fn turn(patience: Duration) -> Result<Self> {
        let deadline = crate::clock::now() + patience;
        loop {
            if let Some(lock) = Self::take("herald-lab-turn")? {
                return Ok(lock);
            }
            if crate::clock::now() >= deadline {
                bail!("another lab on this machine has been measuring for {patience:?}; try again when it is done");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn take(name: &str) -> Result<Option<Self>> {
        let address = SocketAddr::from_abstract_name(name).context("name a lock")?;
        match UnixListener::bind_addr(&address) {
            Ok(socket) => Ok(Some(Self { _socket: socket })),
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => Ok(None),
            Err(error) => Err(error).with_context(|| format!("take the lock {name}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_exclusive_and_ends_with_its_owner() {
        let id = format!("test-{}", std::process::id());
        let lock = Lock::lab(&id).unwrap().expect("free at first");
        assert!(Lock::lab(&id).unwrap().is_none(), "taken");
        drop(lock);
        assert!(Lock::lab(&id).unwrap().is_some(), "free again");
    }
}
