//! One TCP connection with a peer: frames in, bytes out, nothing waited for.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use herald_bgp::packet::{Decoding, Frame, Message, Notification, decode, frame};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, Interest};
use tokio::net::TcpStream;

use super::transport::plain;

/// What is read at once.
const READ: usize = 16 * 1024;
/// How long the last words of a connection may take to leave.
const LINGER: Duration = Duration::from_secs(1);
/// How much of what the peer still sends is thrown away meanwhile: closing with unread data would reset the connection, and
/// the peer might never read our last words.
const LINGER_READS: usize = 64;

/// One connection. Bytes that the kernel does not take yet wait in it.
#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    /// Begins with a message.
    input: Vec<u8>,
    pub(super) output: Vec<u8>,
    /// How much of `output` the kernel has taken.
    written: usize,
    /// Since when it takes nothing of what is there.
    pub(super) stalled: Option<Duration>,
    pub(super) decoding: Decoding,
    pub(super) max_length: usize,
}

/// What has come of reading.
#[derive(Debug)]
pub(super) enum Read {
    /// Nothing more for the moment.
    Nothing,
    /// A message.
    Message(Message),
    /// No message, and this is the answer; nothing is read any more.
    Invalid(Notification),
}

impl Wire {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            input: Vec::new(),
            output: Vec::new(),
            written: 0,
            stalled: None,
            decoding: Decoding::default(),
            max_length: frame::MAX_LENGTH,
        }
    }

    /// Own address.
    pub(super) fn local(&self) -> Option<IpAddr> {
        self.stream.local_addr().ok().map(plain)
    }

    /// How many bytes wait.
    pub(super) fn waiting(&self) -> usize {
        self.output.len() - self.written
    }

    /// Until something can be read, or written if something waits.
    pub(super) async fn ready(&self) {
        let interest = if self.waiting() > 0 { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
        // An error is found by reading.
        let _ = self.stream.ready(interest).await;
    }

    /// Takes in what has arrived, at most [`READ`] bytes. `Some`: why the connection is at its end.
    pub(super) fn receive(&mut self) -> Option<String> {
        let begin = self.input.len();
        if begin >= self.max_length {
            return None; // a whole message is there to be taken first
        }
        self.input.resize(begin + READ, 0);
        let room = self.input.get_mut(begin..).unwrap_or_default();
        let result = self.stream.try_read(room);
        self.input.truncate(begin + *result.as_ref().unwrap_or(&0));
        match result {
            Ok(0) => Some("closed by the peer".to_owned()),
            Ok(_) => None,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            Err(error) => Some(error.to_string()),
        }
    }

    /// The next message of what has arrived.
    pub(super) fn take(&mut self) -> Read {
        match frame::split(&self.input, self.max_length) {
            Ok(None) => Read::Nothing,
            Ok(Some((frame, length))) => {
                let message = read(frame, &self.decoding);
                self.input.drain(..length);
                if self.input.is_empty() {
                    self.input = Vec::new();
                }
                message
            }
            Err(notification) => Read::Invalid(notification),
        }
    }

    /// Gives the kernel what it takes. `Some`: why the connection is at its end.
    pub(super) fn flush(&mut self, now: Duration) -> Option<String> {
        while self.waiting() > 0 {
            match self.stream.try_write(self.output.get(self.written..).unwrap_or_default()) {
                Ok(taken) => {
                    self.written += taken;
                    self.stalled = None;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.stalled.get_or_insert(now);
                    return None;
                }
                Err(error) => return Some(error.to_string()),
            }
        }
        self.output = Vec::new(); // an idle session keeps nothing
        self.written = 0;
        self.stalled = None;
        None
    }

    /// Closes the connection after `last`, without making anybody wait for that.
    pub(super) fn close(self, last: Option<&Notification>) {
        let Self { mut stream, mut output, written, .. } = self;
        let Some(last) = last else { return };
        output.extend(herald_bgp::packet::notification(last));
        tokio::spawn(async move {
            let farewell = async {
                stream.write_all(output.get(written..).unwrap_or_default()).await?;
                stream.shutdown().await?;
                let mut waste = [0; 4096];
                for _ in 0..LINGER_READS {
                    if stream.read(&mut waste).await? == 0 {
                        break;
                    }
                }
                io::Result::Ok(())
            };
            // Whoever does not listen any more is not told.
            let _ = tokio::time::timeout(LINGER, farewell).await;
        });
    }
}

fn read(frame: Frame<'_>, decoding: &Decoding) -> Read {
    match decode(frame, decoding) {
        Ok(message) => Read::Message(message),
        Err(notification) => Read::Invalid(notification),
    }
}
