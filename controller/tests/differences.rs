//! `docs/differences.md` names a test for each row, and each of them exists.

#![expect(clippy::unwrap_used, reason = "helpers of tests: a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::path::Path;

/// Names of all functions in Rust files below `folder`.
fn functions(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let skip = path.file_name().is_some_and(|name| name == "target" || name == ".git");
        if path.is_dir() && !skip {
            functions(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let names = text.split("fn ").skip(1).filter_map(|rest| rest.split(['(', '<']).next());
            found.extend(names.map(str::to_owned));
        }
    }
}

#[test]
fn every_difference_has_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = std::fs::read_to_string(root.join("docs/differences.md")).unwrap();
    let mut present = BTreeSet::new();
    functions(root, &mut present);
    let rows = text.lines().filter(|line| line.starts_with("| ") && !line.contains("| Test |"));
    let mut count = 0;
    for row in rows {
        let last = row.trim_end_matches(" |").rsplit("| ").next().unwrap();
        let names: Vec<_> = last.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "no test in: {row}");
        for name in names {
            assert!(present.contains(name), "there is no test {name}, named in: {row}");
            count += 1;
        }
    }
    assert!(count > 50, "{count} tests named");
}
