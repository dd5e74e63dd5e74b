//! The embedded API server: a test double for kube-apiserver.
