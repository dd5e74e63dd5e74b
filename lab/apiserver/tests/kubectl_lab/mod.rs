//! A server on the loopback, a kubeconfig for it, and a real kubectl that uses both.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use herald_apiserver::{ApiServer, Handle, Options};
use tokio::runtime::Runtime;

/// No command may take longer, in seconds; a command that does is killed and has failed.
const LIMIT: &str = "40";

/// A server and a place for files. Both go with it.
pub struct Lab {
    server: Handle,
    _runtime: Runtime,
    url: String,
    folder: PathBuf,
    kubeconfig: PathBuf,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    /// Exit code.
    pub code: i32,
    /// What it printed, both streams: standard output first.
    pub output: String,
}

impl Lab {
    /// Starts a server; fails if there is no kubectl.
    pub fn start() -> Self {
        if let Err(error) = Command::new("kubectl").args(["version", "--client"]).output() {
            panic!(
                "THESE TESTS NEED kubectl, AND IT CANNOT BE RUN: {error}. Install kubectl (any version from 1.31 on) \
                 so that it is in the PATH; they are not skipped, because nothing else shows that people can use the server"
            );
        }
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("kubectl-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder for files");
        let runtime = Runtime::new().expect("a runtime");
        let guard = runtime.enter();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port on the loopback");
        let url = format!("https://{}", listener.local_addr().expect("its address"));
        let server = ApiServer::start(Options { listeners: vec![listener], ..Options::default() }).expect("a server");
        drop(guard);
        let kubeconfig = folder.join("admin.yaml");
        std::fs::write(&kubeconfig, server.admin_kubeconfig(&url)).expect("a kubeconfig");
        Self { server, _runtime: runtime, url, folder, kubeconfig }
    }

    /// A server with Herald's CustomResourceDefinitions, applied as people apply them, and the namespace of the pools.
    pub fn with_definitions() -> Self {
        let lab = Self::start();
        lab.ok(&["apply", "-k", &repository("config/crds")]);
        lab.ok(&["wait", "--for=condition=Established", "crd", "--all", "--timeout=10s"]);
        lab.ok(&["create", "namespace", "metallb-system"]);
        lab
    }

    /// Writes a file for kubectl to read; returns its path.
    pub fn file(&self, name: &str, content: &str) -> String {
        let path = self.folder.join(name);
        std::fs::write(&path, content).expect("a file");
        path.display().to_string()
    }

    /// Runs kubectl as the administrator.
    pub fn kubectl(&self, arguments: &[&str]) -> Ended {
        self.run(&self.kubeconfig, &[], arguments)
    }

    /// Runs kubectl as the administrator with `variable` set to `value`.
    pub fn kubectl_with(&self, variable: &str, value: &str, arguments: &[&str]) -> Ended {
        self.run(&self.kubeconfig, &[(variable, value)], arguments)
    }

    /// Runs kubectl with the token of a service account.
    pub fn kubectl_as_account(&self, namespace: &str, name: &str, arguments: &[&str]) -> Ended {
        let token = self.server.service_account_token(namespace, name);
        let path = self.file("account.yaml", &self.server.kubeconfig_for(&self.url, name, &token));
        self.run(Path::new(&path), &[], arguments)
    }

    /// Runs kubectl with any token.
    pub fn kubectl_with_token(&self, token: &str, arguments: &[&str]) -> Ended {
        let path = self.file("token.yaml", &self.server.kubeconfig_for(&self.url, "someone", token));
        self.run(Path::new(&path), &[], arguments)
    }

    /// What a command printed that must end well.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let ended = self.kubectl(arguments);
        assert_eq!(ended.code, 0, "kubectl {}: {}", arguments.join(" "), ended.output);
        ended.output
    }

    /// What a command printed that must fail.
    pub fn fails(&self, arguments: &[&str]) -> String {
        let ended = self.kubectl(arguments);
        assert_eq!(ended.code, 1, "kubectl {}: {}", arguments.join(" "), ended.output);
        ended.output
    }

    /// Starts a command, calls `then` when it has printed its first line (the heading), and returns as soon as it has
    /// printed a line that `enough` accepts. The command is ended.
    pub fn until(&self, arguments: &[&str], then: impl FnOnce(), enough: impl Fn(&str) -> bool) -> Vec<String> {
        // Not under `timeout`, which would be ended in its stead; the request itself has a limit.
        let mut command = Command::new("kubectl");
        command.args(arguments).arg(format!("--request-timeout={LIMIT}s"));
        let mut child = self
            .environment(&mut command, &self.kubeconfig)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("kubectl starts");
        let mut lines = Vec::new();
        let mut then = Some(then);
        for line in BufReader::new(child.stdout.take().expect("its output")).lines() {
            let line = line.expect("text");
            let done = enough(&line);
            lines.push(line);
            if let Some(then) = then.take() {
                then();
            }
            if done {
                break;
            }
        }
        child.kill().expect("it can be ended");
        child.wait().expect("it ends");
        assert!(lines.last().is_some_and(|line| enough(line)), "kubectl {}: only {lines:#?}", arguments.join(" "));
        lines
    }

    fn run(&self, kubeconfig: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Ended {
        let mut command = self.command(kubeconfig, arguments);
        command.envs(variables.iter().copied()).stdin(Stdio::null());
        let output = command.output().expect("kubectl runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ended { code: output.status.code().unwrap_or(-1), output: text(&output.stdout) + &text(&output.stderr) }
    }

    /// kubectl, for a limited time.
    fn command(&self, kubeconfig: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new("timeout");
        command.args(["--kill-after=1", LIMIT, "kubectl"]).args(arguments);
        self.environment(&mut command, kubeconfig);
        command
    }

    /// Nothing of the machine's own configuration.
    fn environment<'a>(&self, command: &'a mut Command, kubeconfig: &Path) -> &'a mut Command {
        command.env("KUBECONFIG", kubeconfig).env("HOME", &self.folder).current_dir(&self.folder)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A path in the repository.
pub fn repository(path: &str) -> String {
    format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR"))
}

/// The words of a line: tables without their spaces.
pub fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// The value that `name:` has in what `kubectl describe` prints.
pub fn described<'a>(output: &'a str, name: &str) -> &'a str {
    let line = output.lines().find_map(|line| line.trim_start().strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("no {name} in:\n{output}")).trim()
}
