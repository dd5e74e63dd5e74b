//! Peers that behave badly cost little, and nobody else anything.

use std::time::Duration;

use herald_bgp::packet::{self, Capability, Open};
use herald_bgp::state::State;
use herald_bgp::{Asn, HoldTime, RouterId};
use herald_runtime::clock::Monotonic;
use herald_speaker::bgp::{Command, start};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::ends::{PATIENCE, hosts, peer, until};

/// The peer's end, up to KEEPALIVE.
async fn establish(listener: &TcpListener) -> TcpStream {
    let accepted = tokio::time::timeout(PATIENCE, listener.accept()).await.expect("in time");
    let (mut stream, _) = accepted.expect("a connection");
    let asn = Asn::new(64_513).expect("not 0");
    let open = Open {
        two_octet_asn: 64_513,
        hold_time: HoldTime::DEFAULT,
        router_id: RouterId::new([192, 0, 2, 99].into()).expect("not 0"),
        capabilities: vec![Capability::FourOctetAsn(asn), Capability::Multiprotocol { afi: 1, safi: 1 }],
    };
    stream.write_all(&packet::open(&open)).await.expect("written");
    stream.write_all(&packet::keepalive()).await.expect("written");
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_reads_nothing_holds_up_nobody_and_is_told_the_newest() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut session = start(peer(64_512, 64_513, address, false), Vec::new(), Monotonic::start()).expect("starts");
    let mut stream = establish(&listener).await;
    until(&mut session, "up", |status| status.state == State::Established).await;
    // More than the kernel takes, changed again and again.
    for turn in 0..20 {
        session.commands.send(Command::Routes(hosts(0..100_000))).await.expect("it takes commands");
        let gone = hosts(0..100_000).into_iter().map(|(prefix, _)| (prefix, None)).collect();
        session.commands.send(Command::Routes(gone)).await.unwrap_or_else(|_| panic!("turn {turn}"));
    }
    session.commands.send(Command::Routes(hosts(7..8))).await.expect("it takes commands");
    until(&mut session, "all is taken in", |status| status.desired == 1).await;
    let mut read = 0;
    let mut buffer = vec![0; 1 << 20];
    until_quiet(&mut stream, &mut buffer, &mut read).await;
    // Forty times a hundred thousand routes would be twenty megabytes.
    assert!(read < 8 << 20, "{read} bytes");
    until(&mut session, "one is left", |status| status.sent[0] == 1).await;
}

async fn until_quiet(stream: &mut TcpStream, buffer: &mut [u8], read: &mut usize) {
    while let Ok(Ok(more)) = tokio::time::timeout(Duration::from_millis(500), stream.read(buffer)).await {
        *read += more;
        if more == 0 {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nonsense_is_answered_and_the_next_connection_is_a_new_chance() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut session = start(peer(64_512, 64_513, address, false), hosts(0..10), Monotonic::start()).expect("starts");
    for nonsense in [&[0; 64][..], b"GET / HTTP/1.1\r\n\r\n", &[0xff; 64]] {
        let mut stream = establish(&listener).await;
        until(&mut session, "up", |status| status.state == State::Established).await;
        stream.write_all(nonsense).await.expect("written");
        let mut answer = Vec::new();
        let end = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("in time");
        end.expect("no reset: the NOTIFICATION would be lost");
        let code = last_notification(&answer).expect("a NOTIFICATION at the end");
        assert_eq!(code, 1, "message header error");
        until(&mut session, "down", |status| status.state != State::Established).await;
    }
    let _stream = establish(&listener).await;
    until(&mut session, "up again", |status| status.state == State::Established && status.sent[0] == 10).await;
}

/// The error code of the NOTIFICATION that is the last of these messages.
fn last_notification(mut messages: &[u8]) -> Option<u8> {
    loop {
        let length = usize::from(u16::from_be_bytes([*messages.get(16)?, *messages.get(17)?]));
        if messages.len() <= length {
            return (messages.get(18) == Some(&3)).then(|| messages.get(19).copied())?;
        }
        messages = messages.get(length..)?;
    }
}
