//! Questions of our own: who has this address? And what was heard of it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// An answer counts for so long after the question.
pub const HEARD_WITHIN: Duration = Duration::from_secs(1);

/// Addresses that may be asked for at the same time.
pub const TARGETS_AT_ONCE: usize = 64;

/// Answers to one question that are told; several machines may answer, but not a flood of them.
pub const ANSWERS_TOLD: u8 = 8;

/// The kernel filter lets answers through for so long after the last question: asking every 100 ms must not change the
/// filter each time.
const FILTERED_FOR: Duration = Duration::from_secs(60);

/// More questions than can be kept in mind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{TARGETS_AT_ONCE} addresses are being asked for already")]
pub struct TooManyTargets;

#[derive(Clone, Copy, Debug)]
struct Question {
    asked: Duration,
    answers: u8,
}

/// The addresses asked for in the last minute.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    targets: BTreeMap<IpAddr, Question>,
}

impl Asked {
    /// Remembers a question that goes out now; true if the filter has to change for its answer.
    pub(crate) fn ask(&mut self, target: IpAddr, now: Duration) -> Result<bool, TooManyTargets> {
        let question = Question { asked: now, answers: 0 };
        if let Some(known) = self.targets.get_mut(&target) {
            *known = question;
            return Ok(false);
        }
        if self.targets.len() >= TARGETS_AT_ONCE {
            let (oldest, asked) = self
                .targets
                .iter()
                .map(|(target, question)| (*target, question.asked))
                .min_by_key(|(_, asked)| *asked)
                .ok_or(TooManyTargets)?;
            if now <= asked + HEARD_WITHIN {
                return Err(TooManyTargets);
            }
            self.targets.remove(&oldest);
        }
        self.targets.insert(target, question);
        Ok(true)
    }

    /// Whether an answer about `target` is to be told.
    pub(crate) fn answered(&mut self, target: IpAddr, now: Duration) -> bool {
        let Some(question) = self.targets.get_mut(&target) else { return false };
        let counts = now <= question.asked + HEARD_WITHIN && question.answers < ANSWERS_TOLD;
        question.answers += u8::from(counts);
        counts
    }

    /// Forgets what was asked long ago; true if the filter has to change.
    pub(crate) fn expire(&mut self, now: Duration) -> bool {
        let before = self.targets.len();
        self.targets.retain(|_, question| now < question.asked + FILTERED_FOR);
        self.targets.len() != before
    }

    /// When to [`expire`](Self::expire).
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.targets.values().map(|question| question.asked + FILTERED_FOR).min()
    }

    /// What answers may come about.
    pub(crate) fn targets(&self) -> impl Iterator<Item = IpAddr> {
        self.targets.keys().copied()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const NOW: Duration = Duration::from_secs(100);

    fn target(number: u32) -> IpAddr {
        Ipv4Addr::from_bits(number).into()
    }

    #[test]
    fn an_answer_counts_for_a_second_and_not_without_a_question() {
        let mut asked = Asked::default();
        assert!(!asked.answered(target(1), NOW));
        assert_eq!(asked.ask(target(1), NOW), Ok(true));
        assert!(asked.answered(target(1), NOW + HEARD_WITHIN));
        assert!(!asked.answered(target(2), NOW));
        assert!(!asked.answered(target(1), NOW + HEARD_WITHIN + Duration::from_nanos(1)));
        assert_eq!(asked.ask(target(1), NOW + HEARD_WITHIN * 2), Ok(false), "the filter has it already");
        assert!(asked.answered(target(1), NOW + HEARD_WITHIN * 2));
    }

    #[test]
    fn a_flood_of_answers_is_told_as_a_few() {
        let mut asked = Asked::default();
        asked.ask(target(1), NOW).unwrap();
        assert_eq!((0..10_000).filter(|_| asked.answered(target(1), NOW)).count(), usize::from(ANSWERS_TOLD));
    }

    #[test]
    fn no_more_than_so_many_questions_are_open_and_old_ones_make_room() {
        let mut asked = Asked::default();
        for number in 0..64 {
            assert_eq!(asked.ask(target(number), NOW), Ok(true));
        }
        assert_eq!(asked.ask(target(64), NOW), Err(TooManyTargets));
        assert_eq!(asked.ask(target(3), NOW), Ok(false));
        let later = NOW + HEARD_WITHIN * 2;
        assert_eq!(asked.ask(target(64), later), Ok(true));
        assert_eq!(asked.targets().count(), 64);
        assert_eq!(asked.next_deadline(), Some(NOW + FILTERED_FOR));
        assert!(asked.expire(NOW + FILTERED_FOR));
        assert_eq!(asked.targets().collect::<Vec<_>>(), [target(64)]);
    }
}
