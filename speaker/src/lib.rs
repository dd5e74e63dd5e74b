//! Announces LoadBalancer addresses, one per node.
