//! A cluster in a box: namespaces, API server, data path, probes, demo.
