//! What both programs share: flags, logs, health, metrics, Kubernetes client, watches, Events.
