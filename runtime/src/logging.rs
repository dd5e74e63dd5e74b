//! Logs: to standard error, as text for people or as JSON for collectors.

use std::str::FromStr;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

/// The least severe level that is written, in MetalLB's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// Everything, including traces.
    All,
    /// From debug on.
    Debug,
    /// From info on.
    Info,
    /// From warnings on.
    Warn,
    /// Errors only.
    Error,
    /// Nothing.
    None,
}

impl FromStr for LogLevel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "all" => Ok(Self::All),
            "debug" => Ok(Self::Debug),
            "info" => Ok(Self::Info),
            "warn" => Ok(Self::Warn),
            "error" => Ok(Self::Error),
            "none" => Ok(Self::None),
            _ => Err("write all, debug, info, warn, error or none".to_owned()),
        }
    }
}

/// The form of the logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One line of text an event.
    Text,
    /// One JSON object an event.
    Json,
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("write text or json".to_owned()),
        }
    }
}

/// Starts logging for the whole process. A second call changes nothing.
pub fn start(level: LogLevel, format: LogFormat) {
    let (ours, theirs) = match level {
        LogLevel::All => (LevelFilter::TRACE, LevelFilter::TRACE),
        LogLevel::Debug => (LevelFilter::DEBUG, LevelFilter::INFO),
        LogLevel::Info => (LevelFilter::INFO, LevelFilter::WARN),
        LogLevel::Warn => (LevelFilter::WARN, LevelFilter::WARN),
        LogLevel::Error => (LevelFilter::ERROR, LevelFilter::ERROR),
        LogLevel::None => (LevelFilter::OFF, LevelFilter::OFF),
    };
    // Libraries speak one level quieter than Herald itself: an operator reads about addresses, not about HTTP.
    // kube's own watcher warns at each failed attempt; `watch` says the same once, with what to check.
    let directives = format!(
        "{theirs},kube_runtime=error,herald_controller={ours},herald_speaker={ours},herald_runtime={ours},\
         herald_membership={ours},herald_neighbor={ours},herald_sys={ours}"
    );
    let filter = EnvFilter::builder().parse_lossy(directives);
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Text => subscriber.with_ansi(false).try_init(),
        LogFormat::Json => subscriber.json().flatten_event(true).try_init(),
    };
    if let Err(already) = started {
        tracing::debug!("logging was started before: {already}");
    }
}
