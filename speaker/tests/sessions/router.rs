//! A router made by hand: it says what it is told to, and shows what it hears.

use std::time::Duration;

use herald_bgp::packet::{self, Capability, Decoding, Message, Notification, Open, frame};
use herald_bgp::{Asn, HoldTime, RouterId};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::ends::PATIENCE;

/// AS number of every such router.
pub(crate) const ASN: u32 = 64_513;

/// One connection.
pub(crate) struct Router {
    pub(crate) stream: TcpStream,
    heard: Vec<u8>,
}

impl Router {
    /// The next connection.
    pub(crate) async fn accept(listener: &TcpListener) -> Self {
        let accepted = tokio::time::timeout(PATIENCE, listener.accept()).await.expect("in time");
        Self::over(accepted.expect("a connection").0)
    }

    /// Over this connection.
    pub(crate) fn over(stream: TcpStream) -> Self {
        Self { stream, heard: Vec::new() }
    }

    /// The next connection, up to our KEEPALIVE.
    pub(crate) async fn establish(listener: &TcpListener, more: &[Capability]) -> Self {
        let mut router = Self::accept(listener).await;
        router.greet(more).await;
        router
    }

    /// Says what a router says up to our KEEPALIVE.
    pub(crate) async fn greet(&mut self, more: &[Capability]) {
        let asn = Asn::new(ASN).expect("not 0");
        let mut capabilities = vec![Capability::FourOctetAsn(asn), Capability::Multiprotocol { afi: 1, safi: 1 }];
        capabilities.extend_from_slice(more);
        let open = Open {
            two_octet_asn: asn.two_octets(),
            hold_time: HoldTime::DEFAULT,
            router_id: RouterId::new([192, 0, 2, 99].into()).expect("not 0"),
            capabilities,
        };
        self.say(&packet::open(&open)).await;
        self.say(&packet::keepalive()).await;
    }

    pub(crate) async fn say(&mut self, message: &[u8]) {
        self.stream.write_all(message).await.expect("written");
    }

    /// The next message; `None`: the connection is closed.
    pub(crate) async fn hear(&mut self) -> Option<Message> {
        loop {
            let next = frame::split(&self.heard, frame::MAX_LENGTH).expect("messages");
            if let Some((message, length)) = next {
                let message = packet::decode(message, &Decoding::default());
                self.heard.drain(..length);
                if let Ok(message) = message {
                    return Some(message);
                }
                continue;
            }
            let mut chunk = vec![0; 64 * 1024];
            let read = tokio::time::timeout(PATIENCE, self.stream.read(&mut chunk)).await.expect("in time");
            match read {
                Ok(0) | Err(_) => return None,
                Ok(read) => self.heard.extend_from_slice(chunk.get(..read).unwrap_or_default()),
            }
        }
    }

    /// The OPEN that comes first.
    pub(crate) async fn open(&mut self) -> Open {
        match self.hear().await {
            Some(Message::Open(open)) => open,
            other => panic!("no OPEN: {other:?}"),
        }
    }

    /// Listens to the end. What the last words were, if there were any.
    pub(crate) async fn last_words(&mut self) -> Option<Notification> {
        let mut last = None;
        while let Some(message) = self.hear().await {
            last = match message {
                Message::Notification(notification) => Some(notification),
                _ => None,
            };
        }
        last
    }

    /// Whether the connection is not closed for this long.
    pub(crate) async fn stays(&mut self, for_at_least: Duration) -> bool {
        let closed = async { while self.hear().await.is_some() {} };
        tokio::time::timeout(for_at_least, closed).await.is_err()
    }
}
