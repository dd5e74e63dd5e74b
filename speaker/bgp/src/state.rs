//! The state machine of one peer (RFC 4271 §8).
//!
//! ```text
//!   what happens: Event ──► Session::handle() ──┐                       ┌──► Action: connect, send, close, refuse
//!                                               ├─► mode, two links ────┤
//!   time:  now ───────────► Session::advance() ─┘  (data of each phase) └──► Action: up, refresh, down, failed
//!              ◄─────────── Session::next_deadline()
//! ```
//!
//! The shell opens and closes connections, moves bytes and sleeps; what it does follows from [`Action`]s, and what
//! happens to it is an [`Event`]. There may be two connections at once, each with a phase of its own (`collision`); the
//! [`State`] of a session is that of the furthest. Timers are listed in `timers`.
//!
//! # Transitions
//!
//! What a session with one connection does after some failures in a row: the state that follows, and the actions in
//! their order. A test reads this table and compares it with what happens.
//!
//! States: `Idle` not wanted, `Hold` Idle after an error (IdleHoldTimer runs), `Conn` Connect, `Actv` Active, `Dely`
//! Active with an accepted connection whose OPEN waits for the peer's (DelayOpenTimer runs), `Sent` OpenSent, `Conf`
//! OpenConfirm, `Estb` Established. Actions: **c**onnect, **a**bort connecting, send **o**pen, send **k**eepalive, close
//! with **n**otification, close without (**x**), **r**efuse without a word, **R**efuse with a notification, **u**p,
//! answer a refre**q**uest, **d**own, **f**ailed. `.` stays and does nothing, `-` does not happen.
//!
//! ```text
//! event                    Idle     Hold     Conn     Actv     Dely     Sent     Conf     Estb
//! Start                    Conn c   Conn c   .        .        .        .        .        .
//! Stop, told               .        Idle     Idle a   Idle     Idle n   Idle n   Idle n   Idle nd
//! Stop, silent             .        Idle     Idle a   Idle     Idle x   Idle x   Idle x   Idle xd
//! Connected, outgoing      Idle x   Hold x   Sent o   Actv x   Dely x   .        .        .
//! Connected, incoming      Idle r   Hold r   Sent o   Sent o   Dely x   Sent o   Conf o   Estb R
//! ConnectFailed            .        .        Actv f   .        .        .        .        .
//! Closed                   .        .        .        .        Actv f   Actv f   Hold f   Hold d
//! OPEN, right              .        .        .        .        Conf ok  Conf k   Hold nf  Hold nd
//! OPEN, wrong              .        .        .        .        Hold nf  Hold nf  Hold nf  Hold nd
//! KEEPALIVE                .        .        .        .        Hold nf  Hold nf  Estb u   .
//! UPDATE                   .        .        .        .        Hold nf  Hold nf  Hold nf  .
//! NOTIFICATION             .        .        .        .        Hold xf  Hold xf  Hold xf  Hold xd
//! ROUTE-REFRESH, request   .        .        .        .        Hold nf  Hold nf  Hold nf  Estb q
//! ROUTE-REFRESH, begin/end .        .        .        .        Hold nf  Hold nf  Hold nf  .
//! ROUTE-REFRESH, other     .        .        .        .        Hold nf  Hold nf  Hold nf  .
//! Invalid                  .        .        .        .        Hold nf  Hold nf  Hold nf  Hold nd
//! SendStalled              .        .        .        .        Hold xf  Hold xf  Hold xf  Hold xd
//! PeerDown                 .        .        .        .        Hold nf  Hold nf  Hold nf  Hold nd
//! of no connection         .        .        .        .        .        .        .        .
//! IdleHold expires         -        Conn c   -        -        -        -        -        -
//! ConnectRetry expires     -        -        Conn afc Conn c   Conn c   -        -        -
//! DelayOpen expires        -        -        -        -        Sent o   -        -        -
//! Hold expires             -        -        -        -        -        Hold nf  Hold nf  Hold nd
//! Keepalive expires        -        -        -        -        -        -        Conf k   Estb k
//! ```
//!
//! The first failure after a start, or after a session of a minute or more, asks for no pause: where the table says
//! `Hold` or `Actv`, the session connects at once. One that is `passive` never connects.
//!
//! Where this differs from the RFC's own tables, on purpose:
//!
//! - An attempt to connect that fails leads to Active, not to Idle, and so does an accepted connection that is closed
//!   while our OPEN waits: the peer may connect meanwhile.
//! - A second connection is refused in Established before OPENs are exchanged on it; of two that come up together the
//!   higher end alone chooses (`docs/decisions/0085`).
//! - OpenConfirm has a hold timer even without hold time: 4 minutes.
//! - Every message restarts the hold timer, not KEEPALIVE and UPDATE alone.
//! - A session that is passive is so for ever: no timer makes it connect.
//! - Attributes AllowAutomaticStart, DampPeerOscillations and SendNOTIFICATIONwithoutOPEN are always on,
//!   CollisionDetectEstablishedState and TrackTcpState never.

mod action;
mod collision;
mod config;
mod counters;
mod event;
mod jitter;
mod life;
mod link;
mod messages;
mod negotiated;
mod opening;
mod reasons;
mod session;
#[cfg(test)]
mod tests;
mod timers;
mod validate;

pub use action::{Action, Closing, DownReason};
pub use config::{ConfigError, GracefulRestartConfig, PeerConfig, RemoteAs};
pub use counters::Counters;
pub use event::{Connection, Event};
pub use negotiated::{Negotiated, PeerRestart};
pub use session::{Session, State};
