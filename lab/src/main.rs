//! The `herald-lab` program.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use herald_lab::{pod, program};

/// A cluster in a box for Herald.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Serves as a pod, inside a pod's network namespace.
    #[command(hide = true)]
    Pod {
        /// The pod's name.
        #[arg(long)]
        name: String,
        /// The node it runs on.
        #[arg(long)]
        node: String,
        /// The TCP and UDP port to serve.
        #[arg(long, default_value_t = 80)]
        port: u16,
    },
    /// Becomes another program that dies with the lab.
    #[command(hide = true)]
    Launch {
        /// The lab's process id.
        #[arg(long)]
        parent: i32,
        /// The program and its arguments.
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "the last word of a program goes to its user")]
            {
                eprintln!("herald-lab: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<()> {
    match cli.verb {
        Verb::Pod { name, node, port } => pod::serve(&pod::Identity { pod: name, node }, port),
        Verb::Launch { parent, command } => match program::launch(parent, &command)? {},
    }
}
