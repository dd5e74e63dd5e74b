//! Timers of a peer.
//!
//! | given | hold time | KEEPALIVE interval |
//! | --- | --- | --- |
//! | neither | 90 s | a third |
//! | `holdTime` | as given | a third |
//! | `keepaliveTime` | three times that | as given |
//! | both | as given | as given, at most the hold time |
//!
//! Hold times are whole seconds, as OPEN has room for no other; what is beyond a second is cut off, as MetalLB does.

use std::time::Duration;

use super::{given, questionable, refuse};
use crate::compile::Refusal;
use crate::config::DEFAULT_HOLD_TIME;
use crate::duration;
use crate::object::BgpPeer;
use crate::verdict::{Condition, Reason};

const HOLD_MIN: Duration = Duration::from_secs(3);
const SECOND: Duration = Duration::from_secs(1);
/// What OPEN has room for.
const SECONDS_MAX: Duration = Duration::from_secs(65_535);

/// The timers of a peer, and what is doubtful about them.
pub(super) struct Timers {
    pub(super) hold: Duration,
    pub(super) keepalive: Duration,
    pub(super) connect: Option<Duration>,
    pub(super) doubt: Option<Condition>,
}

impl Timers {
    pub(super) fn read(written: &BgpPeer) -> Result<Self, Refusal> {
        let hold_text = given(written.hold_time.as_deref());
        let keepalive_text = given(written.keepalive_time.as_deref());
        let keepalive = keepalive_text.map(keepalive_time).transpose()?;
        let hold = match (hold_text.map(hold_time).transpose()?, keepalive) {
            (Some(hold), _) => hold,
            (None, Some(keepalive)) => from_keepalive(keepalive, keepalive_text.unwrap_or_default())?,
            (None, None) => DEFAULT_HOLD_TIME,
        };
        if keepalive.is_some_and(|keepalive| keepalive > hold) {
            return Err(refuse(format!(
                "keepaliveTime \"{}\" is longer than holdTime \"{}\": write a third of holdTime, or leave keepaliveTime out",
                keepalive_text.unwrap_or_default(),
                hold_text.unwrap_or_default(),
            )));
        }
        let hold = Duration::from_secs(hold.as_secs());
        let third = hold / 3;
        let (keepalive, doubt) = match keepalive {
            _ if hold.is_zero() => (Duration::ZERO, Some(without_hold_time())),
            Some(Duration::ZERO) => (third, Some(without_keepalives(hold, third))),
            Some(keepalive) => (keepalive.min(hold), None),
            None => (third, None),
        };
        let connect = given(written.connect_time.as_deref()).map(connect_time).transpose()?;
        Ok(Self { hold, keepalive, connect, doubt })
    }
}

fn read(text: &str) -> Result<Duration, Refusal> {
    duration::parse(text)
        .ok_or_else(|| refuse(format!("\"{text}\" is not a duration: write a number and a unit, like 90s or 1m30s")))
}

fn hold_time(text: &str) -> Result<Duration, Refusal> {
    let hold = read(text)?;
    if hold.is_zero() || (HOLD_MIN..=SECONDS_MAX).contains(&hold) {
        return Ok(hold);
    }
    Err(refuse(format!(
        "holdTime \"{text}\" is not possible: write 3s to 65535s, or 0s for a session without hold time"
    )))
}

fn keepalive_time(text: &str) -> Result<Duration, Refusal> {
    let keepalive = read(text)?;
    if keepalive.is_zero() || keepalive >= SECOND {
        return Ok(keepalive);
    }
    Err(refuse(format!(
        "keepaliveTime \"{text}\" is not possible: write 1s or more, or leave it out for a third of holdTime"
    )))
}

fn from_keepalive(keepalive: Duration, text: &str) -> Result<Duration, Refusal> {
    keepalive.checked_mul(3).filter(|hold| *hold <= SECONDS_MAX).ok_or_else(|| {
        refuse(format!(
            "keepaliveTime \"{text}\" is not possible without holdTime, which is three times that and at most 65535s: write \
             at most 21845s, or holdTime too"
        ))
    })
}

fn connect_time(text: &str) -> Result<Duration, Refusal> {
    let connect = read(text)?;
    if (SECOND..=SECONDS_MAX).contains(&connect) && connect.subsec_nanos() == 0 {
        return Ok(connect);
    }
    Err(refuse(format!("connectTime \"{text}\" is not possible: write whole seconds from 1s to 65535s")))
}

fn without_hold_time() -> Condition {
    questionable(
        Reason::HoldTimeDisabled,
        "holdTime 0s is used as written, but a router that dies silently is then noticed only when TCP gives up, which takes \
         minutes: write 3s or more, or leave holdTime out for 90s"
            .into(),
    )
}

fn without_keepalives(hold: Duration, third: Duration) -> Condition {
    questionable(
        Reason::KeepaliveDisabled,
        format!(
            "without KEEPALIVEs the router would end the session after the hold time of {} s, so they are sent all the \
             same, every {:.0} s: remove keepaliveTime 0s",
            hold.as_secs(),
            third.as_secs_f64()
        ),
    )
}
