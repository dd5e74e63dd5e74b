//! Packet sockets in tokio's reactor.

use std::io;

use tokio::io::unix::AsyncFd;

use crate::PacketSocket;
use crate::context::Describe;

impl PacketSocket {
    /// Hands the socket to the reactor of the current tokio runtime, so that tasks can wait for frames.
    ///
    /// # Errors
    /// When the reactor can't watch one more descriptor.
    ///
    /// # Panics
    /// Outside a tokio runtime with I/O enabled.
    pub fn into_async(self) -> io::Result<AsyncFd<Self>> {
        let interface = self.interface();
        // SAFETY: a PacketSocket owns its descriptor from open to drop, and `as_raw_fd` always returns that one; nothing
        // can close or replace it in between.
        let registered = unsafe { AsyncFd::register(self) };
        registered.map_err(io::Error::from).describe(|| format!("cannot wait for frames on interface {interface}"))
    }
}
