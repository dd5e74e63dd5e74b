//! What a user gets, end to end: one module per part of the promise.

mod bad_input;
mod bgp;
mod controller;
mod explained;
mod failover;
mod first_steps;
mod layer2;
mod leftovers;
mod make_lab;
mod ndp;
mod orphans;
mod rights;
mod routers;
mod traffic_policy;
