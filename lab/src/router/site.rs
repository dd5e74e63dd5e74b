//! Where a daemon runs: its machine, and the folder of its files.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::clock;
use crate::cluster::files;
use crate::program::{Invocation, Program};
use crate::tool::{self, Tool};
use crate::topology::Machine;

/// How long a daemon may take to start, or to answer a question.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// How often a daemon that starts is asked whether it is there.
const LOOK: Duration = Duration::from_millis(10);

/// The longest name of a file that a daemon may listen on is 107 bytes (unix(7)), of which the file's own takes some.
const LONGEST_FOLDER: usize = 90;

/// A daemon's place.
#[derive(Clone, Debug)]
pub(super) struct Site {
    pub(super) machine: Machine,
    dir: PathBuf,
}

impl Site {
    /// Makes the folder.
    pub(super) fn new(machine: &Machine, dir: &Path) -> Result<Self> {
        if dir.as_os_str().len() > LONGEST_FOLDER {
            bail!("{} is too long a name for daemons that listen in it; use a shorter CARGO_TARGET_DIR", dir.display());
        }
        fs::create_dir_all(dir).with_context(|| format!("make {}", dir.display()))?;
        Ok(Self { machine: machine.clone(), dir: dir.to_owned() })
    }

    /// A file's path.
    pub(super) fn path(&self, file: &str) -> PathBuf {
        self.dir.join(file)
    }

    /// A file's path as an argument.
    pub(super) fn arg(&self, file: &str) -> String {
        self.path(file).to_string_lossy().into_owned()
    }

    /// Writes a file.
    pub(super) fn write(&self, file: &str, text: &str) -> Result<()> {
        let path = self.path(file);
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir).with_context(|| format!("make {}", dir.display()))?;
        }
        fs::write(&path, text).with_context(|| format!("write {}", path.display()))
    }

    /// Starts a program in the machine's network, with its output in a log. `with` is what its environment is made for, if it
    /// starts another program.
    pub(super) fn start(&self, name: &str, program: &Path, with: &Path, args: Vec<OsString>) -> Result<Program> {
        let env = tool::environment(with);
        let invocation = Invocation {
            name: format!("{name}@{}", self.machine.name),
            program: program.to_owned(),
            args,
            env,
            log: self.path(&format!("{name}.log")),
        };
        Program::start(&self.machine.namespace, &invocation)
    }

    /// Asks a daemon by its command line tool.
    pub(super) fn ask(&self, tool: Tool, args: &[&str]) -> Result<String> {
        tool::ask(tool, &self.machine.namespace, args, PATIENCE)
    }

    /// Asks until there is an answer.
    pub(super) fn ready<T>(&self, program: &Program, ask: impl Fn() -> Result<T>) -> Result<T> {
        let deadline = clock::now() + PATIENCE;
        loop {
            let error = match ask() {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if let Some(status) = program.ended()? {
                bail!("{} ended ({status}):\n{}", program.name(), files::tail(program.log()));
            }
            if clock::now() >= deadline {
                let log = files::tail(program.log());
                return Err(error.context(format!("{} is not ready after {PATIENCE:?}:\n{log}", program.name())));
            }
            std::thread::sleep(LOOK);
        }
    }
}
