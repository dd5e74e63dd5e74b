//! One TCP connection with a peer: frames in, bytes out, nothing waited for.

use std::io::{self, Read as _};
use std::net::IpAddr;
use std::time::Duration;

use herald_bgp::packet::{Decoding, Frame, Message, Notification, decode, frame};
use socket2::SockRef;
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
    /// What has arrived; messages begin at `taken`.
    input: Vec<u8>,
    taken: usize,
    pub(super) output: Vec<u8>,
    /// How much of `output` the kernel has taken.
    written: usize,
    /// Since when it takes nothing of what is there.
    pub(super) stalled: Option<Duration>,
    pub(super) decoding: Decoding,
    pub(super) max_length: usize,
}

/// What has come of receiving.
#[derive(Debug)]
pub(super) enum Arrived {
    /// Bytes; there may be more.
    Something,
    /// Nothing more for the moment.
    Nothing,
    /// The connection is at its end, and this is why.
    End(String),
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
            taken: 0,
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

    /// Takes in what has arrived as far as tokio knows, at most [`READ`] bytes.
    pub(super) fn receive(&mut self) -> Arrived {
        self.receive_with(|stream, room| stream.try_read(room))
    }

    /// Takes in what has arrived as far as the kernel knows, at most [`READ`] bytes. (What tokio has not polled for yet it
    /// takes for nothing.)
    pub(super) fn receive_now(&mut self) -> Arrived {
        self.receive_with(|stream, room| (&*SockRef::from(stream)).read(room))
    }

    fn receive_with(&mut self, read: impl FnOnce(&TcpStream, &mut [u8]) -> io::Result<usize>) -> Arrived {
        let begin = self.input.len();
        if begin - self.taken >= self.max_length {
            return Arrived::Something; // a whole message is there to be taken first
        }
        self.input.resize(begin + READ, 0);
        let room = self.input.get_mut(begin..).unwrap_or_default();
        let result = read(&self.stream, room);
        self.input.truncate(begin + *result.as_ref().unwrap_or(&0));
        match result {
            Ok(0) => Arrived::End("closed by the peer".to_owned()),
            Ok(_) => Arrived::Something,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Arrived::Nothing,
            Err(error) => Arrived::End(error.to_string()),
        }
    }

    /// The next message of what has arrived.
    pub(super) fn take(&mut self) -> Read {
        match frame::split(self.input.get(self.taken..).unwrap_or_default(), self.max_length) {
            Ok(None) => {
                // An idle session keeps nothing, a busy one no more than begins a message.
                self.input = self.input.get(self.taken..).unwrap_or_default().to_vec();
                self.taken = 0;
                Read::Nothing
            }
            Ok(Some((frame, length))) => {
                self.taken += length;
                read(frame, &self.decoding)
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
                    // Who reads slowly all the time is always behind.
                    self.output.drain(..self.written);
                    self.written = 0;
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

    /// Closes the connection after these last words. Takes no longer than [`LINGER`], whatever the peer does.
    pub(super) async fn close(self, last: Notification) {
        let Self { mut stream, mut output, written, .. } = self;
        output.extend(herald_bgp::packet::notification(&last));
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
    }
}

fn read(frame: Frame<'_>, decoding: &Decoding) -> Read {
    match decode(frame, decoding) {
        Ok(message) => Read::Message(message),
        Err(notification) => Read::Invalid(notification),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    async fn pair() -> (Wire, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (near, far) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
        (Wire::new(near.unwrap()), far.unwrap().0)
    }

    #[tokio::test]
    async fn who_reads_slowly_all_the_time_costs_no_more_than_who_reads_nothing() {
        const AHEAD: usize = 64 * 1024;
        let (mut wire, mut far) = pair().await;
        let mut buffer = vec![0; AHEAD / 2];
        let (mut sent, mut largest) = (0, 0);
        while sent < 200 * AHEAD {
            if wire.waiting() < AHEAD {
                wire.output.extend([7; AHEAD]);
                sent += AHEAD;
            }
            assert_eq!(wire.flush(Duration::ZERO), None);
            largest = largest.max(wire.output.len());
            if wire.waiting() >= AHEAD {
                // It reads only as much as it takes for the kernel to have room again.
                tokio::select! {
                    biased;
                    () = wire.ready() => {}
                    read = far.read(&mut buffer) => assert!(read.unwrap() > 0),
                }
            }
        }
        assert!(largest <= 2 * AHEAD, "{largest} bytes");
    }

    #[tokio::test]
    async fn an_idle_session_keeps_no_buffer() {
        let (mut wire, mut far) = pair().await;
        assert!(matches!(wire.receive(), Arrived::Nothing));
        assert!(matches!(wire.take(), Read::Nothing));
        assert_eq!(wire.input.capacity(), 0);
        far.write_all(&herald_bgp::packet::keepalive().repeat(3)).await.unwrap();
        wire.ready().await;
        assert!(matches!(wire.receive(), Arrived::Something));
        for _ in 0..3 {
            assert!(matches!(wire.take(), Read::Message(Message::Keepalive)));
        }
        assert!(matches!(wire.take(), Read::Nothing));
        assert_eq!((wire.input.capacity(), wire.taken), (0, 0));
    }
}
