//! A neighbor that takes in routes as fast as they come, counts them, and notes when they came.
//!
//! ```text
//!  receive() ─► accept ─► OPEN, KEEPALIVE ─► count UPDATEs … ─► Session, asked by wait()
//!  hang_up() ──────────────────────────────► close; the next waits for receive()
//! ```
//!
//! It has a thread of its own in a machine's network. Whoever connects waits there until it is wanted: so the one who
//! announces can be made to begin when it is to be measured.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use herald_lab::clock;
use herald_lab::namespace::{Namespace, Work};
use nix::sys::socket::{setsockopt, sockopt};

use super::messages::{self, KEEPALIVE, NOTIFICATION, OPEN, UPDATE};

/// Its AS number.
pub const ASN: u16 = 64513;

/// Its BGP identifier.
const ROUTER_ID: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 9);

/// How long it sleeps at most before it looks whether it is to stop.
const TURN: Duration = Duration::from_millis(20);

/// Time between two looks whether somebody connects.
const LOOK: Duration = Duration::from_millis(5);

/// Time between two KEEPALIVEs of a peer that has nothing else to say.
const QUIET: Duration = Duration::from_secs(15);

/// How much it reads at a time.
const READ: usize = 256 * 1024;

/// How many arrivals a session remembers; later ones only count.
const ARRIVALS: usize = 100_000;

/// The receive buffer of a deaf one, in bytes; the kernel makes it a bit more.
const DEAF_BUFFER: usize = 8 * 1024;

/// What it is like.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// Time between two KEEPALIVEs. A router that holds back its last UPDATE until something happens has something happen
    /// (BIRD does, for up to 3 seconds).
    pub poke: Duration,
    /// What it does with a session.
    pub habit: Habit,
}

/// What a receiver does with a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// It reads.
    Reads,
    /// It reads nothing after the session's begin.
    Deaf,
    /// It answers the first routes with what is no message, and reads on to see what comes of that.
    Rude,
}

impl Manner {
    /// It reads, and says little.
    pub const PLAIN: Manner = Manner { poke: QUIET, habit: Habit::Reads };
    /// It reads nothing.
    pub const DEAF: Manner = Manner { poke: QUIET, habit: Habit::Deaf };
    /// It says what is no message.
    pub const RUDE: Manner = Manner { poke: QUIET, habit: Habit::Rude };

    /// It reads, and says so often that it is there.
    pub const fn poking(poke: Duration) -> Self {
        Self { poke, habit: Habit::Reads }
    }
}

/// What arrived at once.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// When.
    pub at: Instant,
    /// How many prefixes were announced until then.
    pub announced: usize,
    /// How many were withdrawn until then.
    pub withdrawn: usize,
}

/// A session: the one that is, or was the last.
#[derive(Clone, Debug, Default)]
pub struct Session {
    /// Which it is, from 1; 0: there was none yet.
    pub number: usize,
    /// When the other end was sent what lets it begin to announce.
    pub begun: Option<Instant>,
    /// What arrived when.
    pub arrivals: Vec<Arrival>,
    /// How many prefixes were announced.
    pub announced: usize,
    /// How many were withdrawn.
    pub withdrawn: usize,
    /// How many families were said to be complete.
    pub complete: usize,
    /// Why it is over, if not because it was hung up.
    pub ended: Option<String>,
}

impl Session {
    /// How long after its begin so many prefixes were there.
    pub fn took(&self, prefixes: usize) -> Option<Duration> {
        let last = self.arrivals.iter().find(|arrival| arrival.announced >= prefixes)?;
        Some(last.at.saturating_duration_since(self.begun?))
    }
}

/// A listening neighbor. Ends when dropped.
#[derive(Debug)]
pub struct Sink {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    work: Option<Work<Result<()>>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    stop: bool,
    /// Which session is wanted, or was the last one.
    wanted: usize,
    /// It is to be ended, if it is there.
    hung_up: bool,
    /// A deaf one is to read again.
    hears: bool,
    session: Session,
}

impl Sink {
    /// Listens at `address`. Nobody is answered before [`Sink::receive`].
    ///
    /// # Errors
    /// When the address can't be had.
    pub fn listen(namespace: &Namespace, address: SocketAddr, manner: Manner) -> Result<Self> {
        let listener = namespace.run(move || TcpListener::bind(address))?;
        Self::serve(listener.with_context(|| format!("listen at {address}"))?, manner, |work| {
            namespace.spawn("bgp-sink", work)
        })
    }

    fn serve(
        listener: TcpListener,
        manner: Manner,
        spawn: impl FnOnce(Box<dyn FnOnce() -> Result<()> + Send>) -> Result<Work<Result<()>>>,
    ) -> Result<Self> {
        let address = listener.local_addr()?;
        listener.set_nonblocking(true)?;
        if manner.habit == Habit::Deaf {
            setsockopt(&listener.as_fd(), sockopt::RcvBuf, &DEAF_BUFFER).context("make the buffer small")?;
        }
        let shared = Arc::new(Shared::default());
        let there = Arc::clone(&shared);
        let work = spawn(Box::new(move || there.live(&listener, manner)))?;
        Ok(Self { address, shared, work: Some(work) })
    }

    /// Answers the next one that connects, or has connected. A session that is there ends.
    pub fn receive(&self) {
        let mut state = self.shared.lock();
        state.wanted += 1;
        state.hung_up = false;
    }

    /// Ends the session, if there is one.
    pub fn hang_up(&self) {
        self.shared.lock().hung_up = true;
    }

    /// A deaf one reads from now on.
    pub fn hear(&self) {
        self.shared.lock().hears = true;
    }

    /// What the session that is there, or was there last, is like.
    pub fn look<T>(&self, at: impl FnOnce(&Session) -> T) -> T {
        at(&self.shared.lock().session)
    }

    /// Waits until the session that was asked for last is as wanted.
    ///
    /// # Errors
    /// When it is not within `patience`, or is over; the error names `what`.
    pub fn wait<T>(&self, what: &str, patience: Duration, wanted: impl Fn(&Session) -> Option<T>) -> Result<T> {
        let deadline = clock::now() + patience;
        let mut state = self.shared.lock();
        loop {
            let is_it = state.session.number == state.wanted;
            if let Some(answer) = is_it.then(|| wanted(&state.session)).flatten() {
                return Ok(answer);
            }
            let Session { number, announced, withdrawn, ended, .. } = &state.session;
            let so_far = format!("session {number}: {announced} announced, {withdrawn} withdrawn");
            if let Some(why) = ended.as_ref().filter(|_| is_it) {
                bail!("{what} at {}: the session is over: {why} ({so_far})", self.address);
            }
            let left = deadline.saturating_duration_since(clock::now());
            ensure!(!left.is_zero(), "{what} at {}: not within {patience:?} ({so_far})", self.address);
            (state, _) = self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        match self.work.take().map(Work::join) {
            None | Some(Ok(Ok(()))) => {}
            Some(Ok(Err(error)) | Err(error)) => tracing::error!("a BGP receiver failed: {error:#}"),
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Session)) {
        change(&mut self.lock().session);
        self.changed.notify_all();
    }

    /// Whether the session is to go on.
    fn goes_on(&self) -> bool {
        let State { stop, wanted, hung_up, session, .. } = &*self.lock();
        !stop && !hung_up && *wanted == session.number
    }

    fn live(&self, listener: &TcpListener, manner: Manner) -> Result<()> {
        loop {
            let (stop, is_wanted) = {
                let State { stop, wanted, hung_up, session, .. } = &*self.lock();
                (*stop, !hung_up && *wanted > session.number)
            };
            if stop {
                return Ok(());
            }
            match if is_wanted { listener.accept() } else { Err(ErrorKind::WouldBlock.into()) } {
                Ok((stream, _)) => {
                    {
                        let mut state = self.lock();
                        state.session = Session { number: state.wanted, ..Session::default() };
                    }
                    if let Err(error) = self.session(stream, manner) {
                        self.change(|session| session.ended = Some(format!("{error:#}")));
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::sleep(LOOK),
                Err(error) => return Err(error).context("accept"),
            }
        }
    }

    fn session(&self, mut stream: TcpStream, manner: Manner) -> Result<()> {
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(manner.poke.min(TURN)))?;
        stream.write_all(&messages::open(ASN, ROUTER_ID))?;
        let mut input = Vec::new();
        let mut buffer = vec![0; READ];
        let mut said = clock::now();
        let mut rude = manner.habit == Habit::Rude;
        while self.goes_on() {
            let (established, announced, hears) = {
                let State { session, hears, .. } = &*self.lock();
                (session.begun.is_some(), session.announced, *hears)
            };
            if rude && announced > 0 {
                stream.write_all(&[0; 64])?;
                rude = false;
            }
            if manner.habit == Habit::Deaf && established && !hears {
                std::thread::sleep(TURN);
            } else {
                match stream.read(&mut buffer) {
                    Ok(0) => bail!("closed"),
                    Ok(read) => {
                        let at = clock::now();
                        input.extend(buffer.get(..read).unwrap_or_default());
                        self.take(&mut input, at, &mut stream)?;
                    }
                    Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            if established && clock::now() - said >= manner.poke {
                stream.write_all(&messages::keepalive())?;
                said = clock::now();
            }
        }
        Ok(())
    }

    /// Takes the whole messages out of what has arrived by `at`.
    fn take(&self, input: &mut Vec<u8>, at: Instant, stream: &mut TcpStream) -> Result<()> {
        let (mut done, mut announced, mut withdrawn, mut complete) = (0, 0, 0, 0);
        while let Some((kind, body, length)) = messages::first(input.get(done..).unwrap_or_default())? {
            match kind {
                OPEN => {
                    // What it is sent now lets it begin.
                    self.change(|session| session.begun = Some(clock::now()));
                    stream.write_all(&messages::keepalive())?;
                }
                UPDATE => {
                    let tally = messages::tally(body).context("an UPDATE that can't be read")?;
                    announced += tally.announced;
                    withdrawn += tally.withdrawn;
                    complete += usize::from(tally.end_of_rib);
                }
                KEEPALIVE => {}
                NOTIFICATION => bail!("the other end says {body:?}"),
                other => bail!("a message of type {other}"),
            }
            done += length;
        }
        input.drain(..done);
        if announced + withdrawn + complete > 0 {
            self.change(|session| {
                session.announced += announced;
                session.withdrawn += withdrawn;
                session.complete += complete;
                let Session { announced, withdrawn, .. } = *session;
                if session.arrivals.len() < ARRIVALS {
                    session.arrivals.push(Arrival { at, announced, withdrawn });
                }
            });
        }
        Ok(())
    }
}
