//! Peers that behave badly cost little, and nobody else anything.

use std::time::Duration;

use herald_bgp::packet::{self, Notification};
use herald_bgp::state::State;
use herald_runtime::clock::Monotonic;
use herald_speaker::bgp::{Command, start};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::ends::{PATIENCE, hosts, peer, until};
use crate::router::Router;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_reads_nothing_holds_up_nobody_and_is_told_the_newest() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut session = start(peer(64_512, 64_513, address, false), Vec::new(), Monotonic::start()).expect("starts");
    let mut stream = Router::establish(&listener, &[]).await.stream;
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
        let mut stream = Router::establish(&listener, &[]).await.stream;
        until(&mut session, "up", |status| status.state == State::Established).await;
        stream.write_all(nonsense).await.expect("written");
        let mut answer = Vec::new();
        let end = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("in time");
        end.expect("no reset: the NOTIFICATION would be lost");
        let code = last_notification(&answer).expect("a NOTIFICATION at the end");
        assert_eq!(code, 1, "message header error");
        until(&mut session, "down", |status| status.state != State::Established).await;
    }
    let _stream = Router::establish(&listener, &[]).await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_words_of_a_peer_that_is_gone_are_read() {
    for turn in 0..20 {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut session = start(peer(64_512, 64_513, address, false), Vec::new(), Monotonic::start()).expect("starts");
        let mut router = Router::establish(&listener, &[]).await;
        until(&mut session, "up", |status| status.state == State::Established).await;
        // It says why, and resets the connection at once; the session writes before it reads.
        router.say(&packet::notification(&Notification::administrative_shutdown(Some("maintenance")))).await;
        let reset = socket2::SockRef::from(&router.stream).set_linger(Some(Duration::ZERO));
        reset.expect("so");
        drop(router);
        session.commands.send(Command::Routes(hosts(0..3))).await.expect("runs");
        let status = until(&mut session, "down", |status| status.counters.lost == 1).await;
        let error = status.last_error.expect("why");
        assert!(error.contains("maintenance"), "turn {turn}: {error}");
        session.task.abort();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn knocking_again_and_again_keeps_few_connections_open() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut session = start(peer(64_512, 64_513, address, false), Vec::new(), Monotonic::start()).expect("starts");
    let _router = Router::establish(&listener, &[]).await;
    until(&mut session, "up", |status| status.state == State::Established).await;
    let door = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let mut knocks = Vec::new();
    for _ in 0..100 {
        let knock = TcpStream::connect(door.local_addr().expect("an address")).await.expect("connects");
        let (accepted, _) = door.accept().await.expect("a connection");
        session.commands.send(Command::Accepted(accepted)).await.expect("runs");
        knocks.push(knock);
    }
    until(&mut session, "all are refused", |status| status.counters.refused == 100).await;
    // Some are told why, for as long as they may take to hear it; nobody else is waited for.
    let mut told = 0;
    for mut knock in knocks {
        let mut answer = Vec::new();
        let read = tokio::time::timeout(PATIENCE, knock.read_to_end(&mut answer)).await.expect("in time");
        told += usize::from(read.is_ok() && !answer.is_empty());
    }
    assert!((1..=16).contains(&told), "{told} were told");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_is_no_more_when_the_session_is_down() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut poor = peer(64_512, 64_513, address, false);
    poor.addresses.ipv6 = None;
    let mut session = start(poor, Vec::new(), Monotonic::start()).expect("starts");
    let both = herald_bgp::packet::Capability::Multiprotocol { afi: 2, safi: 1 };
    let mut router = Router::establish(&listener, &[both]).await;
    until(&mut session, "up", |status| !status.without_next_hop.is_empty()).await;
    // 198.51.100.0/24, with the attributes that it needs.
    let update = [
        &[0xff; 16][..],
        &[0, 23 + 20 + 4, 2, 0, 0, 0, 20],
        &[0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 0, 0xfc, 1, 0x40, 3, 4, 192, 0, 2, 99],
        &[24, 198, 51, 100],
    ];
    router.say(&update.concat()).await;
    until(&mut session, "one is counted", |status| status.received == Some(1)).await;
    drop(router);
    let status = until(&mut session, "down", |status| status.state != State::Established).await;
    assert_eq!((status.received, status.without_next_hop.len(), status.local), (Some(0), 0, None));
}
