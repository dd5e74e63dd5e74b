//! What the server says about itself: its version, and that it is well.

use serde_json::json;

use crate::http::{Answer, Query};

/// The minor version of Kubernetes whose behaviour this server shows.
pub(crate) const MINOR: &str = "36";

pub(super) fn answer(path: &str, query: &Query) -> Option<Answer> {
    let check = path.strip_prefix('/')?;
    match check {
        "version" => Some(version()),
        "healthz" | "livez" | "readyz" if query.all("verbose").next().is_some() => {
            Some(Answer::text(200, format!("[+]ping ok\n{check} check passed\n")))
        }
        "healthz" | "livez" | "readyz" | "healthz/ping" | "livez/ping" | "readyz/ping" => Some(Answer::text(200, "ok")),
        _ => None,
    }
}

fn version() -> Answer {
    let version = json!({
        "major": "1", "minor": MINOR, "emulationMajor": "1", "emulationMinor": MINOR, "minCompatibilityMajor": "1",
        "minCompatibilityMinor": "35", "gitVersion": format!("v1.{MINOR}.0"), "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z", "goVersion": "", "compiler": "", "platform": "linux/amd64",
    });
    Answer::json(200, &version)
}
