use super::super::said::Said;
use super::*;
use crate::watch::service::ServiceKey;

const START: Duration = Duration::from_secs(100);

type Services = Ledger<ServiceKey, Said>;

fn key(name: &str) -> ServiceKey {
    ServiceKey::new("n", name)
}

fn on(names: &[&str]) -> Said {
    Said::Announced { interfaces: names.iter().map(|name| (*name).to_owned()).collect(), conflict: None }
}

fn nobody(message: &str) -> Said {
    Said::Unannounced { reason: "NoEligibleNode".into(), message: message.into() }
}

fn settled() -> Services {
    let mut ledger = Ledger::default();
    ledger.settle(START);
    ledger
}

fn say(ledger: &mut Services, said: Option<Said>) {
    ledger.set(&key("web"), said, START);
}

fn after(millis: u64) -> Duration {
    START + Duration::from_millis(millis)
}

#[test]
fn nothing_is_written_before_the_first_decision() {
    let mut ledger = Ledger::default();
    ledger.adopt([(key("old"), Some(on(&[])))]);
    ledger.set(&key("new"), Some(on(&[])), START);
    assert_eq!(ledger.next_write(START), None);
    ledger.settle(START);
    assert_eq!(ledger.next_write(START), Some(Write::Remove(key("old"))));
    assert_eq!(ledger.next_write(START), Some(Write::Set(key("new"), on(&[]))));
    assert_eq!(ledger.next_write(START), None);
}

#[test]
fn what_a_predecessor_left_may_wait_to_be_removed_and_what_is_ours_does_not() {
    let mut ledger = Ledger::default();
    ledger.adopt([(key("old"), Some(on(&[])))]);
    ledger.settle(after(5000));
    assert_eq!(ledger.next_write(after(4999)), None);
    say(&mut ledger, Some(on(&[])));
    let write = ledger.next_write(START).unwrap();
    ledger.written(write, START);
    say(&mut ledger, None);
    assert_eq!(ledger.next_write(START), Some(Write::Remove(key("web"))));
    assert_eq!(ledger.next_write(after(5000)), Some(Write::Remove(key("old"))));
}

#[test]
fn what_a_predecessor_wrote_is_not_written_again() {
    for said in [on(&["eth0"]), nobody("why")] {
        let mut ledger = settled();
        ledger.adopt([(key("web"), Some(said.clone()))]);
        say(&mut ledger, Some(said));
        assert_eq!(ledger.next_write(after(5000)), None);
    }
    let mut ledger = settled();
    ledger.adopt([(key("web"), None)]);
    say(&mut ledger, Some(on(&[])));
    assert_eq!(ledger.next_write(START), Some(Write::Set(key("web"), on(&[]))), "but what it left half done is");
}

#[test]
fn many_changes_are_one_write() {
    let mut ledger = settled();
    for said in [Some(on(&["a"])), None, Some(on(&["b"])), Some(on(&["c"]))] {
        say(&mut ledger, said);
    }
    let write = ledger.next_write(START).unwrap();
    assert_eq!(write, Write::Set(key("web"), on(&["c"])));
    ledger.written(write, START);
    assert_eq!(ledger.next_write(START), None);
}

#[test]
fn what_was_given_up_is_written_again_since_another_may_have_removed_it() {
    let mut ledger = settled();
    say(&mut ledger, Some(on(&[])));
    let write = ledger.next_write(START).unwrap();
    ledger.written(write, START);
    say(&mut ledger, None);
    say(&mut ledger, Some(on(&[])));
    assert_eq!(ledger.next_write(START), Some(Write::Set(key("web"), on(&[]))));
}

#[test]
fn a_change_during_a_write_is_written_after_it_and_a_failure_again_after_a_while() {
    let mut ledger = settled();
    say(&mut ledger, Some(on(&[])));
    let write = ledger.next_write(START).unwrap();
    say(&mut ledger, None);
    ledger.written(write, START);
    let write = ledger.next_write(START).unwrap();
    assert_eq!(write, Write::Remove(key("web")));
    ledger.failed(&write, START);
    assert_eq!(ledger.next_write(START), None, "a server that refuses is not asked ten times a second");
    assert_eq!(ledger.next_write(START + RETRY), Some(Write::Remove(key("web"))));
}

#[test]
fn a_failed_write_that_is_not_wanted_any_more_is_removed_all_the_same() {
    let mut ledger = settled();
    say(&mut ledger, Some(on(&[])));
    let write = ledger.next_write(START).unwrap();
    ledger.failed(&write, START);
    say(&mut ledger, None);
    assert_eq!(ledger.next_write(START + RETRY), Some(Write::Remove(key("web"))), "it may stand there");
}

#[test]
fn that_nobody_announces_is_said_after_a_moment_and_taken_back_at_once() {
    let mut ledger = settled();
    say(&mut ledger, Some(nobody("no endpoint")));
    assert_eq!(ledger.next_write(after(0)), None);
    assert_eq!(ledger.next_write(after(999)), None);
    // Other words in the meantime don't prolong it.
    ledger.set(&key("web"), Some(nobody("no node")), after(500));
    let write = ledger.next_write(after(1000)).unwrap();
    assert_eq!(write, Write::Set(key("web"), nobody("no node")));
    ledger.written(write, after(1000));
    assert_eq!(ledger.next_write(after(5000)), None);
    ledger.set(&key("web"), Some(on(&[])), after(6000));
    assert_eq!(ledger.next_write(after(6000)), Some(Write::Set(key("web"), on(&[]))));

    let mut ledger = settled();
    say(&mut ledger, Some(nobody("no endpoint")));
    assert_eq!(ledger.next_write(START), None);
    say(&mut ledger, None);
    assert_eq!(ledger.next_write(after(5000)), None, "it did not last");
}

#[test]
fn who_waits_holds_up_nobody() {
    let mut ledger = settled();
    for name in ["a", "b", "c"] {
        ledger.set(&key(name), Some(on(&[])), START);
    }
    let mut asked = Vec::new();
    let write = ledger.next_of(START, |key, exists| {
        asked.push((key.name().to_owned(), exists));
        (key.name() != "c").then_some(after(100))
    });
    assert_eq!(write, Some(Write::Set(key("c"), on(&[]))));
    assert_eq!(asked, [("a".into(), false), ("b".into(), false), ("c".into(), false)]);
    assert_eq!(ledger.next_write(after(99)), None);
    assert_eq!(ledger.next_write(after(100)), Some(Write::Set(key("a"), on(&[]))));
}
