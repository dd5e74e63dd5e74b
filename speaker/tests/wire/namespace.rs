//! Network namespaces without a name: the kernel removes them with the last file that refers to them, also when the test
//! was killed.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::process::Command;
use std::time::Duration;

use nix::sched::{CloneFlags, setns, unshare};

/// A network of its own.
pub struct Namespace(File);

impl Namespace {
    pub fn new() -> Self {
        assert!(nix::unistd::Uid::effective().is_root(), "this test needs network namespaces: run it as root");
        let made = std::thread::spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).expect("a new network namespace");
            File::open("/proc/thread-self/ns/net").expect("the namespace's file")
        });
        Self(made.join().expect("the thread ends"))
    }

    /// Runs something in it, on a thread of its own.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let outcome = std::thread::scope(|scope| {
            let enter = || {
                setns(&self.0, CloneFlags::CLONE_NEWNET).expect("enter the namespace");
                work()
            };
            scope.spawn(enter).join()
        });
        outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// Runs something asynchronous in it.
    pub fn run_async<T: Send>(&self, work: impl AsyncFnOnce() -> T + Send) -> T {
        self.run(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(work())
        })
    }

    /// Runs `ip` in it.
    pub fn ip(&self, arguments: &str) -> String {
        self.run(|| ip(arguments))
    }

    /// What `ip` takes for its name.
    pub fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.0.as_raw_fd())
    }
}

/// Runs `ip` in the calling thread's namespace.
pub fn ip(arguments: &str) -> String {
    let output = Command::new("ip").args(arguments.split(' ')).output().expect("iproute2 is installed");
    assert!(output.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Runs many commands of `ip` in the calling thread's namespace.
pub fn ip_batch(lines: &str) {
    use std::io::Write as _;
    let mut child = Command::new("ip").args(["-batch", "-"]).stdin(std::process::Stdio::piped()).spawn().expect("ip");
    child.stdin.take().expect("a pipe").write_all(lines.as_bytes()).expect("ip reads");
    assert!(child.wait().expect("ip ends").success());
}

/// A node with `eth0` up, and a client with `eth0` at the other end.
pub fn link() -> (Namespace, Namespace) {
    let (node, client) = (Namespace::new(), Namespace::new());
    node.ip(&format!("link add eth0 type veth peer name eth0 netns {}", client.path()));
    node.ip("link set eth0 address 02:00:00:00:00:01 up");
    client.ip("link set eth0 address 02:00:00:00:00:02 up");
    (node, client)
}

/// True within five seconds, or not at all.
pub fn comes_true(mut condition: impl FnMut() -> bool) -> bool {
    (0..500).any(|_| {
        let now = condition();
        if !now {
            std::thread::sleep(Duration::from_millis(10));
        }
        now
    })
}
