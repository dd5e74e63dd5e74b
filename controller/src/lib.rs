//! Hands out LoadBalancer addresses.
