//! What a person sees who gives the program wrong flags: one line, naming the flag and the value.

use std::io;
use std::process::{Command, Output};

fn speaker(arguments: &[&str]) -> io::Result<Output> {
    Command::new(env!("CARGO_BIN_EXE_herald-speaker"))
        .args(arguments)
        .env_remove("KUBECONFIG")
        .env_remove("HERALD_NODE_NAME")
        .env_remove("HERALD_MEMBERSHIP_KEY_DIR")
        .env("HOME", "/nonexistent")
        .output()
}

#[test]
fn wrong_values_end_it_with_one_line() {
    let cases: [(&[&str], &[&str]); 8] = [
        (&["--node-name=a", "--log-level=loud"], &["--log-level", "loud"]),
        (&["--node-name=a", "--membership-port=0"], &["--membership-port", "0"]),
        (&["--node-name=a", "--membership-bind-address=here"], &["--membership-bind-address", "here"]),
        (&["--node-name=a", "--health-bind-address=17472"], &["--health-bind-address", "17472"]),
        (&["--node-name=a", "--orphan-grace=10"], &["--orphan-grace", "\"10\"", "10m"]),
        (&["--node-name=a"], &["--membership-key-dir"]),
        (&["--node-name=a", "--membership-key-dir=/k", "--membership-insecure"], &["--membership-insecure", "/k"]),
        (&["--membership-insecure"], &["--node-name"]),
    ];
    for (arguments, expected) in cases {
        let output = speaker(arguments).unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{arguments:?} must be refused");
        assert_eq!(text.lines().count(), 1, "{arguments:?}: {text}");
        for part in expected {
            assert!(text.contains(part), "{arguments:?}: {text}");
        }
    }
}

#[test]
fn a_kubeconfig_that_is_not_there_is_named() {
    let output = speaker(&[
        "--node-name=a",
        "--membership-insecure",
        "--metrics-bind-address=0",
        "--health-bind-address=0",
        "--kubeconfig=/nonexistent/config",
        "--log-level=none",
    ])
    .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(text.contains("--kubeconfig") && text.contains("/nonexistent/config"), "{text}");
}

#[test]
fn help_lists_every_flag_of_the_documentation() {
    let output = speaker(&["--help"]).unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    for flag in [
        "--kubeconfig",
        "--namespace",
        "--pod-name",
        "--log-level",
        "--log-format",
        "--lb-class",
        "--metrics-bind-address",
        "--health-bind-address",
        "--node-name",
        "--ignore-exclude-lb",
        "--membership-bind-address",
        "--membership-port",
        "--membership-key-dir",
        "--membership-insecure",
    ] {
        assert!(text.contains(flag), "{flag} is missing from --help");
    }
}
