//! What can happen to a cluster.

use std::time::Duration;

use herald_speaker::watch::endpoint_slice::EndpointState;

/// What the network does to datagrams.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Network {
    /// Share of datagrams lost.
    pub(crate) loss: f64,
    /// Share of datagrams that arrive twice.
    pub(crate) twice: f64,
    /// The longest way, in microseconds.
    pub(crate) delay: u64,
}

/// One thing that happens.
#[derive(Clone, Debug)]
pub(crate) enum Blow {
    /// The speaker's process is gone.
    Kill(usize),
    /// The node is gone, its kernel too.
    Silence(usize),
    /// The speaker starts, again if it ran.
    Start(usize),
    /// The speaker stops for good, in good order.
    Stop(usize),
    /// The speaker goes in good order, is back after this time, and has asked to be waited for so long.
    Restart { node: usize, away: Duration, grace: Duration },
    /// The process gets no processor for so long. By its clock it was `leap` longer.
    Pause { node: usize, time: Duration, leap: Duration },
    /// The machine sleeps for so long: neither the process nor the kernel nor the clock goes on.
    Sleep(usize, Duration),
    /// Nodes hear only those with the same number.
    Divide(Vec<u8>),
    /// Speakers hear only those with the same number, though frames get through.
    Deafen(Vec<u8>),
    /// Nothing gets from the first to the second any more.
    Cut(usize, usize),
    /// The network is whole again, and as good as this.
    Heal(Network),
    /// The API server can't be reached from this node.
    ApiAway(usize),
    /// It can again.
    ApiBack(usize),
    /// A pod becomes ready, terminates, or is gone.
    Endpoint { service: usize, node: usize, state: Option<EndpointState> },
    /// Somebody labels the node, or removes the label.
    Exclude(usize, bool),
    /// Somebody cordons the node, or takes that back.
    Cordon(usize, bool),
    /// The node is about to go, or stays after all.
    Drain(usize, bool),
    /// A client that does not know the address of a Service asks for it.
    Ask(usize),
}
