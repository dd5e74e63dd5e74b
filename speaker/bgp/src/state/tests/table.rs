//! The transition table of the module's documentation, cell by cell.

use std::collections::BTreeSet;

use super::super::timers::Timer;
use super::*;
use crate::packet::{ReceivedUpdate, RefreshKind, RouteRefresh};

const COLUMNS: [&str; 8] = ["Idle", "Hold", "Conn", "Actv", "Dely", "Sent", "Conf", "Estb"];

/// What happens, by the rows of the table.
#[derive(Clone)]
enum Stimulus {
    Event(Event),
    /// Each of these alone.
    Any(Vec<Event>),
    Expiry(Timer),
}

fn now() -> Duration {
    seconds(1000)
}

/// A session that stands as a column says, and the connection that it has, or would have.
fn standing(column: &str) -> (Session, Connection) {
    let delay_open = (column == "Dely").then(|| seconds(5));
    // Shorter than what counts as a lasting session.
    let hold_time = HoldTime::from_seconds(30).unwrap();
    let mut session = Session::new(PeerConfig { delay_open, hold_time, ..config() }).unwrap();
    let connection = if column == "Dely" { Incoming } else { Outgoing };
    let open = Message::Open(open(9));
    if column != "Idle" {
        session.handle(Event::Start, now());
    }
    match column {
        "Idle" | "Conn" => {}
        "Hold" => session.mode = Mode::Holding(now() + seconds(7)),
        "Actv" => session.mode = Mode::Listening(Some(now() + seconds(7))),
        "Dely" => {
            session.mode = Mode::Listening(Some(now() + seconds(7)));
            session.handle(Event::Connected(Incoming), now());
        }
        "Sent" | "Conf" | "Estb" => {
            session.handle(Event::Connected(Outgoing), now());
            if column != "Sent" {
                session.handle(Event::Received(Outgoing, open), now());
            }
            if column == "Estb" {
                session.handle(Event::Received(Outgoing, Message::Keepalive), now());
            }
        }
        other => panic!("no column {other}"),
    }
    session.taken();
    // Not the first failure, which nothing waits after.
    session.failures = 3;
    assert_eq!(name(&session), column);
    (session, connection)
}

/// The column that a session stands in.
fn name(session: &Session) -> &'static str {
    let delayed = session.timers().any(|(_, timer)| matches!(timer, Timer::DelayOpen(_)));
    match (session.state(), session.mode) {
        (State::Idle, Mode::Stopped) => "Idle",
        (State::Idle, _) => "Hold",
        (State::Active, _) if delayed => "Dely",
        (State::Connect, _) => "Conn",
        (State::Active, _) => "Actv",
        (State::OpenSent, _) => "Sent",
        (State::OpenConfirm, _) => "Conf",
        (State::Established, _) => "Estb",
    }
}

/// All that can happen, over this connection.
fn stimuli(over: Connection) -> Vec<(&'static str, Stimulus)> {
    let refresh = |family, kind| Message::RouteRefresh(RouteRefresh { family, kind });
    let wrong = Message::Open(Open { two_octet_asn: 64999, ..open(9) });
    let messages = vec![
        ("OPEN, right", Message::Open(open(9))),
        ("OPEN, wrong", wrong),
        ("KEEPALIVE", Message::Keepalive),
        ("UPDATE", Message::Update(ReceivedUpdate::default())),
        ("NOTIFICATION", Message::Notification(cease())),
        ("ROUTE-REFRESH, request", refresh(Family::Ipv6, RefreshKind::Request)),
        ("ROUTE-REFRESH, begin/end", refresh(Family::Ipv4, RefreshKind::Begin)),
        ("ROUTE-REFRESH, other", Message::OtherRefresh),
    ];
    let received = messages.iter().map(|(row, message)| (*row, Event::Received(over, message.clone())));
    let mut all: Vec<(&str, Event)> = vec![
        ("Start", Event::Start),
        ("Stop, told", Event::Stop(Some(cease()))),
        ("Stop, silent", Event::Stop(None)),
        ("Connected, outgoing", Event::Connected(Outgoing)),
        ("Connected, incoming", Event::Connected(Incoming)),
        ("ConnectFailed", Event::ConnectFailed { reason: "refused".to_owned() }),
        ("Closed", closed(over)),
    ];
    all.extend(received);
    all.extend([
        ("Invalid", Event::Invalid(over, Notification { code: 1, subcode: 2, data: Vec::new() })),
        ("SendStalled", Event::SendStalled(over)),
        ("PeerDown", Event::PeerDown { reason: "BFD".to_owned() }),
    ]);
    let other = over.other();
    let mut strange: Vec<Event> = messages.into_iter().map(|(_, message)| Event::Received(other, message)).collect();
    strange.extend([closed(other), Event::Invalid(other, cease()), Event::SendStalled(other)]);

    let kinds: BTreeSet<usize> = all.iter().map(|(_, event)| kind(event)).collect();
    assert_eq!(kinds, (0..KINDS).collect(), "every event and every message has a row");

    let mut stimuli: Vec<_> = all.into_iter().map(|(row, event)| (row, Stimulus::Event(event))).collect();
    stimuli.push(("of no connection", Stimulus::Any(strange)));
    let timers = [
        ("IdleHold expires", Timer::IdleHold),
        ("ConnectRetry expires", Timer::ConnectRetry),
        ("DelayOpen expires", Timer::DelayOpen(over)),
        ("Hold expires", Timer::Hold(over)),
        ("Keepalive expires", Timer::Keepalive(over)),
    ];
    stimuli.extend(timers.map(|(row, timer)| (row, Stimulus::Expiry(timer))));
    stimuli
}

const KINDS: usize = 14;

/// A number for each event and message: a new one does not compile without one, nor pass without a row.
fn kind(event: &Event) -> usize {
    match event {
        Event::Start => 0,
        Event::Stop(_) => 1,
        Event::Connected(_) => 2,
        Event::ConnectFailed { .. } => 3,
        Event::Closed { .. } => 4,
        Event::Invalid(..) => 5,
        Event::SendStalled(_) => 6,
        Event::PeerDown { .. } => 7,
        Event::Received(_, Message::Open(_)) => 8,
        Event::Received(_, Message::Update(_)) => 9,
        Event::Received(_, Message::Notification(_)) => 10,
        Event::Received(_, Message::Keepalive) => 11,
        Event::Received(_, Message::RouteRefresh(_)) => 12,
        Event::Received(_, Message::OtherRefresh) => 13,
    }
}

/// What a session does, as the table writes it.
fn cell(column: &str, mut session: Session, stimulus: Stimulus) -> String {
    let events = match stimulus {
        Stimulus::Event(event) => vec![event],
        Stimulus::Any(events) => {
            let cells: BTreeSet<String> =
                events.into_iter().map(|event| cell(column, session.clone(), Stimulus::Event(event))).collect();
            assert_eq!(cells.len(), 1, "{column}: {cells:?}");
            return cells.into_iter().collect();
        }
        Stimulus::Expiry(timer) => {
            let Some((at, _)) = session.timers().find(|(_, running)| *running == timer) else { return "-".to_owned() };
            // Others that are due before would cloud the view.
            session.clock = at;
            session.fire(timer);
            session.settle();
            vec![]
        }
    };
    for event in events {
        session.handle(event, now());
    }
    let next = name(&session);
    let letters = session.letters();
    match (next == column, letters.as_str()) {
        (true, "") => ".".to_owned(),
        _ => format!("{next} {letters}").trim().to_owned(),
    }
}

#[test]
fn the_documented_table_is_what_happens() {
    let documented: Vec<&str> = include_str!("../../state.rs")
        .lines()
        .map(|line| line.trim_start_matches("//!").trim())
        .skip_while(|line| !line.starts_with("event "))
        .take_while(|line| !line.starts_with("```"))
        .collect();
    let rows = stimuli(Outgoing).into_iter().map(|(row, _)| row);
    let mut actual = vec![format!("{:25}{}", "event", COLUMNS.map(|column| format!("{column:9}")).concat())];
    for (index, row) in rows.enumerate() {
        let cells = COLUMNS.map(|column| {
            let (session, connection) = standing(column);
            let stimulus = stimuli(connection)[index].1.clone();
            format!("{:9}", cell(column, session, stimulus))
        });
        actual.push(format!("{row:25}{}", cells.concat()));
    }
    let actual: Vec<&str> = actual.iter().map(|line| line.trim_end()).collect();
    assert!(documented == actual, "what happens is this:\n{}", actual.join("\n"));
}
