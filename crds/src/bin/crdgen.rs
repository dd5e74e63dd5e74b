//! Writes the CustomResourceDefinitions as YAML into the folder named by the only argument.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use herald_crds::definition;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(folder), None) = (arguments.next(), arguments.next()) else {
        return fail("usage: crdgen FOLDER (crds/yaml in a checkout)");
    };
    match write(&PathBuf::from(folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn write(folder: &Path) -> Result<(), String> {
    for definition in definition::all().map_err(|error| error.to_string())? {
        let (file, text) = definition::to_yaml(&definition).map_err(|error| error.to_string())?;
        let path = folder.join(file);
        std::fs::write(&path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    Ok(())
}

#[expect(clippy::print_stderr, reason = "the way a command-line tool reports failure")]
fn fail(message: &str) -> ExitCode {
    eprintln!("crdgen: {message}");
    ExitCode::FAILURE
}
