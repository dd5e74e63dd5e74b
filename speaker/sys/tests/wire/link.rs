//! A network namespace of its own with a pair of connected interfaces, gone when the test ends in whatever way.

use std::process::Command;
use std::time::Duration;

use herald_sys::{Instruction, PacketSocket, Protocol};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, unshare};
use std::os::fd::AsFd;

/// Runs `test` on a thread in a new network namespace, in which `left` and `right` are connected and up. The namespace
/// has no name: the kernel removes it with the last thread and socket in it, also when the test was killed.
pub fn with_link<T: Send>(test: impl FnOnce(Link) -> T + Send) -> T {
    assert!(
        nix::unistd::Uid::effective().is_root(),
        "this test sends real frames in a network namespace: run it as root"
    );
    let outcome = std::thread::scope(|scope| {
        scope
            .spawn(|| {
                unshare(CloneFlags::CLONE_NEWNET).expect("a new network namespace");
                ip("link add left type veth peer name right");
                ip("link set left address 02:00:00:00:00:01 up");
                ip("link set right address 02:00:00:00:00:02 up");
                let link = Link { left: index("left"), right: index("right") };
                link.wait_until_it_carries();
                test(link)
            })
            .join()
    });
    outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// The indexes of two connected interfaces.
#[derive(Clone, Copy)]
pub struct Link {
    pub left: u32,
    pub right: u32,
}

impl Link {
    /// Until frames pass in both directions. The kernel starts the queues of an interface some time after it is set up,
    /// and drops until then.
    pub fn wait_until_it_carries(self) {
        let mut frame = [0xff; 60];
        frame[12..14].copy_from_slice(&[0x08, 0x06]);
        let (left, right) = (open(self.left, &EVERYTHING), open(self.right, &EVERYTHING));
        for (from, to) in [(&left, &right), (&right, &left)] {
            let carried = (0..400).any(|_| {
                from.send(&frame).is_ok() && readable(to, Duration::from_millis(5)) && to.receive(&mut []).is_ok()
            });
            assert!(carried, "the link carries nothing after two seconds");
        }
    }
}

/// Runs `ip` in the calling thread's namespace.
pub fn ip(arguments: &str) {
    let output = Command::new("ip").args(arguments.split(' ')).output().expect("iproute2 is installed");
    assert!(output.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

pub fn index(name: &str) -> u32 {
    nix::net::if_::if_nametoindex(name).expect("the interface exists")
}

/// Accepts every frame of the protocol.
pub const EVERYTHING: [Instruction; 1] = [Instruction { code: 0x06, jt: 0, jf: 0, k: u32::MAX }];

pub fn open(interface: u32, program: &[Instruction]) -> PacketSocket {
    PacketSocket::open(interface, Protocol::Arp, program).expect("a packet socket")
}

/// Whether something (a frame or an error) can be received within the time.
pub fn readable(socket: &PacketSocket, within: Duration) -> bool {
    let timeout = PollTimeout::try_from(within).expect("a short time");
    poll(&mut [PollFd::new(socket.as_fd(), PollFlags::POLLIN)], timeout).expect("poll") > 0
}

/// The next frame; it must come within two seconds.
pub fn receive(socket: &PacketSocket) -> Vec<u8> {
    assert!(readable(socket, Duration::from_secs(2)), "no frame within two seconds");
    let mut buffer = [0; 2_048];
    let received = socket.receive(&mut buffer).expect("a frame");
    assert!(!received.truncated());
    buffer[..received.length].to_vec()
}
