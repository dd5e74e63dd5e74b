//! Flags and environment that the controller and the speaker have in common.
//!
//! A wrong value ends the program with one line that names the flag and the value; see [`parse`].

use std::fmt;
use std::io::Write as _;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::logging::{LogFormat, LogLevel};

/// The namespace used when neither a flag nor the pod's own ServiceAccount says otherwise.
pub const DEFAULT_NAMESPACE: &str = "metallb-system";

const POD_NAMESPACE_FILE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// Flags of both programs.
#[derive(Debug, Clone, clap::Args)]
pub struct CommonFlags {
    /// Kubeconfig to reach the API server with [default: $KUBECONFIG, else the pod's ServiceAccount]
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,

    /// Namespace of the configuration objects [default: the pod's own, else metallb-system]
    #[arg(long, value_name = "NAME", env = "HERALD_NAMESPACE")]
    pub namespace: Option<String>,

    /// Name of the program's own Pod; its Events name that Pod as their reporter
    #[arg(long, value_name = "NAME", env = "HERALD_POD_NAME")]
    pub pod_name: Option<String>,

    /// Least severe log level written: all, debug, info, warn, error or none
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    pub log_level: LogLevel,

    /// Form of the logs: text or json
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,

    /// Serve only Services with this spec.loadBalancerClass [default: only those without a class]
    #[arg(long, value_name = "CLASS")]
    pub lb_class: Option<String>,

    /// Where /metrics is served: ADDRESS:PORT, :PORT for every address, or 0 for nowhere
    #[arg(long, value_name = "ADDRESS", default_value = ":9120")]
    pub metrics_bind_address: BindAddress,
}

impl CommonFlags {
    /// The namespace of the configuration objects: flag or environment, else the pod's, else
    /// [`DEFAULT_NAMESPACE`].
    #[must_use]
    pub fn namespace(&self) -> String {
        self.namespace
            .clone()
            .filter(|name| !name.is_empty())
            .or_else(|| std::fs::read_to_string(POD_NAMESPACE_FILE).ok())
            .map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned())
    }

    /// The class of Services to serve; an empty flag means the same as none.
    #[must_use]
    pub fn lb_class(&self) -> Option<&str> {
        self.lb_class.as_deref().filter(|class| !class.is_empty())
    }

    /// The program's own Pod, if it was told; an empty value means the same as none.
    #[must_use]
    pub fn pod_name(&self) -> Option<&str> {
        self.pod_name.as_deref().filter(|name| !name.is_empty())
    }
}

/// Where a small HTTP server listens: nowhere, or on one socket address.
///
/// Read from `ADDRESS:PORT`, `[V6]:PORT`, `:PORT` (every address) or `0` (off).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BindAddress {
    /// Not served at all.
    Off,
    /// Served there. Port 0 asks the kernel for a free one.
    At(SocketAddr),
}

impl FromStr for BindAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "0" {
            return Ok(Self::Off);
        }
        if let Some(port) = text.strip_prefix(':') {
            let port = port.parse().map_err(|_| BIND_FORMS.to_owned())?;
            return Ok(Self::At((IpAddr::V6(Ipv6Addr::UNSPECIFIED), port).into()));
        }
        text.parse().map(Self::At).map_err(|_| BIND_FORMS.to_owned())
    }
}

const BIND_FORMS: &str = "write ADDRESS:PORT, :PORT for every address, or 0 to switch it off";

impl fmt::Display for BindAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("0"),
            Self::At(address) => address.fmt(f),
        }
    }
}

/// Reads the program's flags, or ends it.
///
/// `--help` and `--version` go to standard output with exit code 0; anything wrong goes to standard
/// error as one line with exit code 2.
pub fn parse<P: clap::Parser>() -> P {
    match P::try_parse() {
        Ok(flags) => flags,
        Err(error) => {
            let shown = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            if shown {
                // A closed pipe is no reason to fail.
                let _ = write!(std::io::stdout(), "{error}");
                std::process::exit(0);
            }
            let _ = writeln!(std::io::stderr(), "{}", one_line(&error));
            std::process::exit(2);
        }
    }
}

/// The exit code of a program that ended like this; a failure is told in one line on standard error.
pub fn exit(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What clap says in several lines, in one that names the flag and the value.
#[must_use]
pub fn one_line(error: &clap::Error) -> String {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => Some(texts.join(", ")),
        _ => None,
    };
    // "--log-level <LEVEL>" → "--log-level"
    let flag = context(ContextKind::InvalidArg)
        .map(|flag| flag.split(" <").next().unwrap_or_default().to_owned())
        .unwrap_or_default();
    let value = context(ContextKind::InvalidValue).unwrap_or_default();
    match error.kind() {
        ErrorKind::InvalidValue if value.is_empty() => format!("{flag}: needs a value"),
        ErrorKind::InvalidValue => match context(ContextKind::ValidValue) {
            Some(valid) => format!("{flag}: {value:?} is not one of {valid}"),
            None => format!("{flag}: {value:?} is not valid"),
        },
        ErrorKind::ValueValidation => {
            let why = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            format!("{flag}: {value:?}: {why}")
        }
        ErrorKind::UnknownArgument => format!("{flag}: no such flag; --help lists them"),
        ErrorKind::MissingRequiredArgument => format!("{flag}: must be given; --help says what it is"),
        _ => {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            first.trim_start_matches("error: ").to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        common: CommonFlags,
    }

    fn refused(arguments: &[&str]) -> String {
        let arguments = std::iter::once("program").chain(arguments.iter().copied());
        one_line(&Program::try_parse_from(arguments).expect_err("must be refused"))
    }

    #[test]
    fn a_wrong_value_is_one_line_that_names_flag_and_value() {
        for (arguments, flag, value) in [
            (["--log-level", "loud"], "--log-level", "loud"),
            (["--log-format", "xml"], "--log-format", "xml"),
            (["--metrics-bind-address", "9120x"], "--metrics-bind-address", "9120x"),
            (["--metrics-bind-address", ":99999"], "--metrics-bind-address", ":99999"),
        ] {
            let line = refused(&arguments);
            assert!(line.starts_with(flag) && line.contains(value), "{line}");
            assert_eq!(line.lines().count(), 1, "{line}");
        }
    }

    #[test]
    fn an_unknown_flag_is_named() {
        assert!(refused(&["--colour"]).starts_with("--colour"));
    }

    #[test]
    fn bind_addresses_in_every_form() {
        let at = |text: &str| text.parse::<BindAddress>();
        assert_eq!(at("0"), Ok(BindAddress::Off));
        assert_eq!(at(":9120"), Ok(BindAddress::At("[::]:9120".parse().unwrap())));
        assert_eq!(at("127.0.0.1:17472"), Ok(BindAddress::At("127.0.0.1:17472".parse().unwrap())));
        assert_eq!(at("[::1]:80"), Ok(BindAddress::At("[::1]:80".parse().unwrap())));
        for wrong in ["", "9120", "localhost:9120", "1.2.3.4", ":"] {
            assert!(at(wrong).is_err(), "{wrong:?} must be refused");
        }
    }

    #[test]
    fn empty_values_mean_the_same_as_none() {
        let flags = Program::parse_from(["program", "--namespace", "", "--lb-class", "", "--pod-name", ""]).common;
        assert_eq!(flags.namespace(), DEFAULT_NAMESPACE);
        assert_eq!(flags.lb_class(), None);
        assert_eq!(flags.pod_name(), None);
    }
}
