//! Warm-up, measured window, and the wait for the last answers.
//!
//! ```text
//!  warm-up          measured window                   draining                  listening
//!  sends ──────────▶ sends, counts ─────────────────▶ waits for what is ──────▶ anything now
//!                    figures taken at both ends       in flight, sends nothing   was sent twice
//! ```

use std::time::Duration;

use super::{Measurement, Timing};
use crate::client::fleet::{Fleet, Reader};
use crate::client::listen::{Frames, Listener};
use crate::client::sequence::Answered;
use crate::client::{Failure, Nanos};
use crate::histogram::Histogram;
use crate::outbox::Outbox;
use crate::process::observer::Observer;

/// How long the generator listens, once everything is answered, for answers that come twice.
const LISTEN: Duration = Duration::from_millis(20);
/// How late the end of a phase may be noticed.
const LONGEST_WAIT: Duration = Duration::from_millis(50);

/// What a game has counted, and what it may do now.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    begun: bool,
    /// Whether more may be sent.
    pub sending: bool,
    /// Whether what comes now is inside the measured window.
    counting: bool,
    in_flight: u64,
    units: u64,
    reordered: u64,
    latency: Histogram,
}

impl Tally {
    /// Whether the game begins now, and has not before.
    pub fn begins(&mut self) -> bool {
        !std::mem::replace(&mut self.begun, true)
    }

    /// So many answers are waited for from now on.
    pub fn asked(&mut self, answers: u64) {
        self.in_flight += answers;
    }

    /// One answer has come, and whether it overtook an older one.
    pub fn answered(&mut self, overtook: bool) {
        self.in_flight -= 1;
        if self.counting {
            self.units += 1;
            self.reordered += u64::from(overtook);
        }
    }

    /// A question has its only answer.
    pub fn settle(&mut self, answered: Answered, at: Nanos) {
        self.answered(answered.overtook);
        self.took(answered.sent, at);
    }

    /// A message that was due at `sent` has its (last) answer.
    pub fn took(&mut self, sent: Nanos, at: Nanos) {
        if self.counting {
            self.latency.record(at.saturating_sub(sent));
        }
    }
}

/// What the generator plays with a server.
pub trait Game: Reader {
    /// Where it counts.
    fn tally(&mut self) -> &mut Tally;

    /// Sends what is due at `at`, and says when to be asked again if that is known. Asked before every wait.
    fn pulse(&mut self, at: Nanos, outbox: &mut Outbox) -> Option<Nanos>;
}

/// A [`Game`] that listens to WebSocket messages.
pub trait Play: Listener {
    /// See [`Game::tally`].
    fn tally(&mut self) -> &mut Tally;
    /// See [`Game::pulse`].
    fn pulse(&mut self, at: Nanos, outbox: &mut Outbox) -> Option<Nanos>;
}

/// Makes a [`Play`] a [`Game`].
#[derive(Debug)]
pub struct Heard<'p, P>(pub &'p mut P);

impl<P: Play> Reader for Heard<'_, P> {
    fn read(
        &mut self,
        link: usize,
        input: &[u8],
        at: Nanos,
        outbox: &mut Outbox,
    ) -> Result<usize, Failure> {
        Frames(&mut *self.0).read(link, input, at, outbox)
    }
}

impl<P: Play> Game for Heard<'_, P> {
    fn tally(&mut self) -> &mut Tally {
        self.0.tally()
    }

    fn pulse(&mut self, at: Nanos, outbox: &mut Outbox) -> Option<Nanos> {
        self.0.pulse(at, outbox)
    }
}

/// Plays a whole game and measures its window.
///
/// Where system calls are counted there is no warm-up, and the window lasts until the last answer: with nothing in flight
/// at either end, every call belongs to a unit.
///
/// # Errors
///
/// [`Failure::Lost`] for answers that never came, or whatever the game found wrong.
pub fn play(
    fleet: &mut Fleet,
    game: &mut impl Game,
    timing: Timing,
    observer: &mut Observer,
) -> Result<Measurement, Failure> {
    let counts_calls = observer.counts_calls();
    game.tally().sending = true;
    if !counts_calls {
        go_on(fleet, game, timing.warm_up, |_| false)?;
    }
    observer.begin()?;
    game.tally().counting = true;
    go_on(fleet, game, timing.measure, |_| false)?;
    let timed = if counts_calls { None } else { Some(observer.end()?) };
    game.tally().counting = counts_calls;
    game.tally().sending = false;
    go_on(fleet, game, timing.drain, |tally| tally.in_flight == 0)?;
    let in_flight = game.tally().in_flight;
    if in_flight > 0 {
        return Err(Failure::Lost(in_flight));
    }
    let cost = match timed {
        Some(cost) => cost,
        None => observer.end()?,
    };
    game.tally().counting = false;
    go_on(fleet, game, LISTEN, |_| false)?;
    let tally = std::mem::take(game.tally());
    let Tally { units, reordered, latency, .. } = tally;
    Ok(Measurement { units, reordered, cost, latency, memory: None })
}

/// Goes on until the time is over or `enough` says so.
fn go_on(
    fleet: &mut Fleet,
    game: &mut impl Game,
    time: Duration,
    enough: impl Fn(&Tally) -> bool,
) -> Result<(), Failure> {
    let end = fleet.now() + nanos(time);
    loop {
        let now = fleet.now();
        if now >= end || enough(game.tally()) {
            return Ok(());
        }
        let due = if game.tally().sending { game.pulse(now, fleet.outbox()) } else { None };
        let patience = Duration::from_nanos(due.unwrap_or(end).min(end).saturating_sub(now));
        fleet.turn(game, patience.min(LONGEST_WAIT))?;
    }
}

/// A duration as the fleet counts it.
pub(super) fn nanos(time: Duration) -> Nanos {
    Nanos::try_from(time.as_nanos()).unwrap_or(Nanos::MAX / 2)
}
