//! The only unsafe code: AF_PACKET sockets and classic BPF filters.
