//! The `herald-speaker` program.

use std::process::ExitCode;

use herald_runtime::shutdown::Shutdown;
use herald_runtime::{flags, logging};
use herald_speaker::flags::Flags;
use herald_speaker::run::run;

fn main() -> ExitCode {
    herald_sys::memory::keep_little();
    start()
}

#[tokio::main(worker_threads = 2)]
async fn start() -> ExitCode {
    let flags: Flags = flags::parse();
    logging::start(flags.common.log_level, flags.common.log_format);
    flags::exit(async { run(flags, Shutdown::on_signals()?).await }.await)
}
