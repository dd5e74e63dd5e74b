//! What a speaker writes to the API server, and how often: the reporter in this process, with the rights of
//! `config/rbac` alone, in front of the embedded API server.
#![cfg(test)]

mod cluster;
mod crowd;
mod restarts;
mod sessions;
