//! Nothing is left behind, also by a run that was killed.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use herald_lab::topology::{leftovers, require_root};
use herald_lab::{clock, place};

const PATIENCE: Duration = Duration::from_secs(30);

/// Starts the demo, and waits until it has made namespaces and programs.
fn start_demo(report: &Path) -> Result<(Child, String)> {
    let mut demo = Command::new(place::program("herald-lab")?)
        .args(["demo", "--report"])
        .arg(report)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let deadline = clock::now() + PATIENCE + Duration::from_secs(900); // it may wait for its turn
    loop {
        for id in leftovers::ids()? {
            let processes = leftovers::processes_in(&leftovers::namespaces_of(&id)?)?;
            // Other labs may be up on this machine: this one's programs are the demo's children.
            let own = processes.iter().filter(|pid| parent(pid.as_raw()).is_ok_and(|parent| parent == demo.id()));
            if own.count() >= 4 {
                return Ok((demo, id));
            }
        }
        if let Some(status) = demo.try_wait()? {
            anyhow::bail!("the demo ended early: {status}");
        }
        ensure!(clock::now() < deadline, "the demo does not get going");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A process's parent (proc(5), the fourth field of stat).
fn parent(pid: i32) -> Result<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, rest) = stat.rsplit_once(')').context("read /proc")?;
    Ok(rest.split_whitespace().nth(1).context("read /proc")?.parse()?)
}

#[test]
fn a_killed_demo_is_cleaned_up_by_the_next_run() -> Result<()> {
    require_root()?;
    let report = place::target_dir()?.join("demo/killed.json");
    let (mut demo, id) = start_demo(&report)?;
    let namespaces = leftovers::namespaces_of(&id)?;
    demo.kill()?;
    demo.wait()?;
    // Its programs die with it, by the kernel's hand.
    let deadline = clock::now() + PATIENCE;
    while !leftovers::processes_in(&namespaces)?.is_empty() {
        ensure!(clock::now() < deadline, "the programs outlived the demo");
        std::thread::sleep(Duration::from_millis(10));
    }
    // Its namespaces are removed by whoever comes next. (A command that the demo had just begun may still hold the lab's
    // socket for a moment; until then the lab counts as alive.)
    loop {
        leftovers::sweep()?;
        let left = leftovers::namespaces_of(&id)?;
        if left.is_empty() {
            return Ok(());
        }
        ensure!(clock::now() < deadline, "left over: {left:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn an_interrupted_demo_leaves_nothing() -> Result<()> {
    require_root()?;
    let report = place::target_dir()?.join("demo/interrupted.json");
    let (mut demo, id) = start_demo(&report)?;
    let pid = i32::try_from(demo.id())?;
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGTERM)?;
    let status = demo.wait()?;
    assert_eq!(status.code(), Some(1), "an interrupted demo is no success");
    assert_eq!(leftovers::namespaces_of(&id)?, Vec::<String>::new());
    Ok(())
}
