//! Any life of a log, against a model that is too simple to be wrong.
//!
//! The model knows what was accepted, what it was told about it, and who was where. What comes out of the
//! log has to be what the model says, or a gap that has a reason.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use common::{ALL, end};
use proptest::collection::vec;
use proptest::prelude::*;
use sockeye_log::store::simulated::Simulated;
use sockeye_log::{
    Appended, Clock, Durability, Event, Interval, Log, Options, Position, ReadError, SavedSession,
    Session, SessionId, Shard,
};

const ROOMS: [&str; 3] = ["", "a", "b"];

/// What may happen. Numbers are taken modulo what there is.
#[derive(Clone, Debug)]
enum Step {
    Say { rooms: Vec<usize>, class: usize, key: Option<u8> },
    Join { who: usize, room: usize },
    Leave { which: usize },
    Save { who: usize },
    End { who: usize },
    Turn,
    Wait(u16),
    FailAppend,
    FailSync,
    Close,
    Kill,
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    let number = || 0..64_usize;
    let say = (vec(1..3_usize, 0..4), number(), prop::option::weighted(0.3, 0..8_u8));
    prop_oneof![
        12 => say.prop_map(|(rooms, class, key)| Step::Say { rooms, class, key }),
        3 => (number(), number()).prop_map(|(who, room)| Step::Join { who, room }),
        2 => number().prop_map(|which| Step::Leave { which }),
        2 => number().prop_map(|who| Step::Save { who }),
        1 => number().prop_map(|who| Step::End { who }),
        8 => Just(Step::Turn),
        2 => (0..200_u16).prop_map(Step::Wait),
        1 => Just(Step::Wait(60_000)),
        1 => Just(Step::FailAppend),
        1 => Just(Step::FailSync),
        1 => Just(Step::Close),
        1 => Just(Step::Kill),
        1 => Just(Step::Crash),
    ]
}

struct Said {
    at: Position,
    class: Durability,
    rooms: Vec<usize>,
    text: String,
    key: Option<u8>,
    failed: bool,
    /// Somebody may have been given it, so it must not be missing silently.
    delivered: bool,
    /// Nothing may take it away.
    durable: bool,
}

struct Life {
    disk: Simulated,
    clock: Clock,
    log: Log,
    chat: Shard,
    said: Vec<Said>,
    /// The stays of two sessions, and whose they are.
    stays: Vec<(usize, Interval)>,
    ids: [SessionId; 2],
    highest: Position,
    /// Progress passed everything up to here before anything was said to this log.
    opened: Position,
    /// Something happened after which a gap is no surprise.
    excuse: bool,
    /// Sessions as they should be, unless something failed or was killed half way.
    sessions: BTreeMap<SessionId, SavedSession>,
    sessions_are_certain: bool,
}

impl Life {
    fn begin(seed: u64) -> Self {
        let disk = Simulated::new(seed);
        let (log, clock) = open(&disk, &mut false);
        let ids = [1, 2].map(|byte| SessionId::from([byte; 16]));
        Self {
            chat: log.namespace("/"),
            disk,
            clock,
            log,
            said: Vec::new(),
            stays: Vec::new(),
            ids,
            highest: ALL,
            opened: ALL,
            excuse: false,
            sessions: BTreeMap::new(),
            sessions_are_certain: true,
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Say { rooms, class, key } => self.say(rooms, class, key),
            Step::Join { who, room } => self.join(who % 2, ROOMS[room % 3]),
            Step::Leave { which } => self.leave(which),
            Step::Save { who } => self.save(who % 2),
            Step::End { who } => self.end(who % 2),
            Step::Turn => self.turn(),
            Step::Wait(ms) => self.clock.advance(Duration::from_millis(ms.into())),
            Step::FailAppend => self.disk.fail_appends(1),
            Step::FailSync => self.disk.fail_syncs(1),
            Step::Close => self.close(),
            Step::Kill => self.kill(),
            Step::Crash => self.crash(),
        }
        self.hear();
    }

    fn say(&mut self, rooms: Vec<usize>, class: usize, key: Option<u8>) {
        let class = [Durability::Memory, Durability::Async, Durability::Fsync][class % 3];
        let text = self.said.len().to_string();
        let event = Event {
            to: rooms.iter().map(|room| Box::from(ROOMS[*room])).collect(),
            text: text.clone().into(),
            attachments: vec![text.clone().into(); rooms.len()],
            ..Event::default()
        };
        let name = key.map(|key| key.to_string());
        match self.chat.append(class, name.as_deref(), 0, |_| event) {
            Ok(Appended::New(at)) => {
                self.handed_out(at);
                let low = self.chat.low_water();
                let mut same = self.said.iter().filter(|one| key.is_some() && one.key == key);
                let taken = same.any(|one| one.durable && low < one.at);
                assert!(!taken, "a key that is durable is remembered");
                let (failed, delivered, durable) = (false, false, false);
                self.said.push(Said { at, class, rooms, text, key, failed, delivered, durable });
            }
            Ok(Appended::Repeated(at)) => {
                let first = self.said.iter().find(|one| one.at == at).expect("it was said");
                assert!(first.key == key && !first.failed, "it exists, and has that key");
            }
            Err(_) => {}
        }
    }

    fn join(&mut self, who: usize, room: &str) {
        let Ok(at) = self.chat.join(self.ids[who], room, Durability::Async) else { return };
        self.handed_out(at);
        self.stays.push((who, Interval::since(room, at)));
        self.sessions_change(who);
    }

    fn leave(&mut self, which: usize) {
        let Some(which) = which.checked_rem(self.stays.len()) else { return };
        let (who, stay) = self.stays[which].clone();
        if stay.left.is_some() {
            return;
        }
        let left = self.chat.leave(self.ids[who], &stay.room, stay.joined, Durability::Async);
        let Ok(left) = left else { return };
        self.handed_out(left);
        self.stays[which].1.left = Some(left);
        self.sessions_change(who);
    }

    fn save(&mut self, who: usize) {
        let id = self.ids[who];
        let start = self.highest.max(self.log.progress().written);
        let session = Session { id, socket: "x".into(), principal: None, data: None, start };
        let Ok(at) = self.chat.save_session(&session, Durability::Fsync) else { return };
        self.handed_out(at);
        self.sessions.insert(id, SavedSession { session, intervals: Vec::new() });
        self.sessions_change(who);
    }

    fn end(&mut self, who: usize) {
        let Ok(at) = self.chat.end_session(self.ids[who], Durability::Fsync) else { return };
        self.handed_out(at);
        self.stays.retain(|(whose, _)| *whose != who);
        self.sessions.remove(&self.ids[who]);
    }

    fn sessions_change(&mut self, who: usize) {
        let theirs = self.stays.iter().filter(|(whose, _)| *whose == who);
        let intervals = theirs.map(|(_, stay)| stay.clone()).collect();
        if let Some(saved) = self.sessions.get_mut(&self.ids[who]) {
            saved.intervals = intervals;
        }
    }

    fn handed_out(&mut self, at: Position) {
        assert!(self.highest < at, "{at} after {}", self.highest);
        self.highest = at;
    }

    fn turn(&mut self) {
        self.with_failures(Log::turn);
    }

    /// Lets the writer do something, and notes what fails meanwhile.
    fn with_failures(&mut self, act: impl FnOnce(&Log)) {
        let before = self.log.progress().failed;
        act(&self.log);
        let failed = self.log.progress().failed;
        let Some((first, last)) = failed.filter(|_| failed != before) else { return };
        for one in self.said.iter_mut().filter(|one| first <= one.at && one.at <= last) {
            assert!(!one.durable, "what is durable does not fail");
            one.failed |= one.class > Durability::Memory;
            // Written and announced, and lost in the same turn.
            self.excuse |= one.class < Durability::Fsync;
        }
        self.sessions_are_certain = false;
    }

    /// What the progress says about each event.
    fn hear(&mut self) {
        let progress = self.log.progress();
        let this_life = self.said.iter_mut().filter(|one| self.opened < one.at);
        for one in this_life.filter(|one| !one.failed) {
            let written = one.at <= progress.written;
            let synced = one.at <= progress.synced;
            one.delivered |= if one.class == Durability::Fsync { synced } else { written };
            one.durable |= synced && one.class > Durability::Memory;
        }
    }

    fn close(&mut self) {
        self.turn();
        self.forget_failures();
        let before = self.log.progress().failed;
        self.with_failures(Log::close);
        if self.log.progress().failed != before {
            self.nobody_knows();
        }
        self.hear();
        self.open_again();
        self.check_sessions();
    }

    fn kill(&mut self) {
        self.forget_failures();
        self.disk.kill();
        self.sessions_are_certain &= self.log.progress().written >= self.highest;
        self.open_again();
    }

    fn crash(&mut self) {
        self.forget_failures();
        self.disk.crash();
        self.sessions_are_certain &= self.log.progress().synced >= self.highest;
        for one in self.said.iter_mut().filter(|one| !one.durable) {
            // That is what it means not to be durable; what is in memory alone is said to be missing.
            one.delivered &= one.class == Durability::Memory;
        }
        self.excuse |= !self.sessions_are_certain;
        self.open_again();
    }

    /// Before the log ends: if its store is broken, what failed last may be there afterwards.
    fn forget_failures(&mut self) {
        match self.chat.join(self.ids[0], "", Durability::Memory) {
            Ok(at) => self.handed_out(at),
            Err(_) => self.nobody_knows(),
        }
    }

    fn nobody_knows(&mut self) {
        self.excuse = true;
        let progress = self.log.progress();
        // Progress passes what failed when the log accepts again.
        let failed = progress.failed.filter(|(_, last)| progress.synced < *last);
        let Some((first, last)) = failed else { return };
        for one in self.said.iter_mut().filter(|one| first <= one.at && one.at <= last) {
            one.failed = false;
            one.delivered &= one.class == Durability::Memory;
        }
        self.sessions_are_certain = false;
    }

    fn open_again(&mut self) {
        self.excuse |= self.said.iter().any(|one| one.class == Durability::Memory);
        let before = std::mem::take(&mut self.excuse);
        (self.log, self.clock) = open(&self.disk, &mut self.excuse);
        self.sessions_are_certain &= !self.excuse;
        self.excuse |= before;
        self.chat = self.log.namespace("/");
        self.opened = self.log.progress().written;
        assert!(self.highest <= self.opened, "positions never go back");
    }

    // What comes out.

    fn check_sessions(&self) {
        if self.sessions_are_certain {
            let saved = self.chat.sessions().expect("readable");
            assert_eq!(saved, self.sessions.values().cloned().collect::<Vec<_>>());
        }
    }

    /// Reads everything that a session was meant to hear behind a position, in chunks.
    fn check_read(&self, who: usize, from: Position, most_bytes: usize) {
        let stays = self.stays.iter().filter(|(whose, _)| *whose == who);
        let wanted: Vec<_> = stays.map(|(_, stay)| stay.clone()).collect();
        let (mut after, mut seen, mut gaps) = (from, BTreeSet::new(), Vec::new());
        let written = self.log.progress().written;
        while after < written {
            match self.chat.read(&wanted, after, end(), most_bytes) {
                Ok(chunk) => {
                    for event in chunk.events {
                        assert!(after < event.position && event.position <= chunk.read_to);
                        assert!(seen.last().is_none_or(|last| *last < event.position), "in order");
                        self.check_event(&wanted, event.position, &event.event);
                        seen.insert(event.position);
                    }
                    assert!(after < chunk.read_to, "it goes on");
                    after = chunk.read_to;
                }
                Err(ReadError::Gap { after: before, up_to }) => {
                    assert!(self.excuse || before < self.chat.low_water(), "a gap for no reason");
                    assert!(after <= before && before < up_to);
                    gaps.push((before, up_to));
                    after = up_to;
                }
                Err(other) => panic!("{other}"),
            }
        }
        for one in self.said.iter().filter(|one| one.delivered && !one.failed && from < one.at) {
            let in_gap = gaps.iter().any(|(before, up_to)| *before < one.at && one.at <= *up_to);
            let there = seen.contains(&one.at) || in_gap || written < one.at;
            assert!(there || !hears(&wanted, one), "{} at {} is missing", one.text, one.at);
        }
    }

    /// Whether it was said, to whoever is given it now.
    fn check_event(&self, wanted: &[Interval], at: Position, event: &Event) {
        let one = self.said.iter().find(|one| one.at == at).expect("nothing is invented");
        assert_eq!(event.text, one.text);
        assert_eq!(event.attachments.len(), one.rooms.len());
        assert!(!one.failed, "{} failed, and is there", one.text);
        assert!(hears(wanted, one), "{} was not for them", one.text);
    }

    /// What is durable is there, whatever else is a gap.
    fn check_history(&self) {
        let low = self.chat.low_water();
        for (number, room) in ROOMS.iter().enumerate() {
            let history = self.chat.history(room, None, 10_000).expect("readable");
            assert!(history.is_sorted_by_key(|event| event.position));
            let there: BTreeSet<_> = history.iter().map(|event| event.position).collect();
            assert_eq!(there.len(), history.len());
            for one in self.said.iter().filter(|one| is_to(one, number) && low < one.at) {
                assert!(!one.durable || there.contains(&one.at), "{} is gone", one.text);
                assert!(!one.failed || !there.contains(&one.at), "{} is back", one.text);
            }
        }
    }
}

fn open(disk: &Simulated, excuse: &mut bool) -> (Log, Clock) {
    let clock = Clock::by_hand();
    let options =
        Options { clock: clock.clone(), event_age: Duration::from_mins(3), ..Options::default() };
    // What was to fail may fail now, and take with it what was not durable; whoever starts the log tries
    // again.
    let open = || Log::by_hand(disk.clone(), options.clone());
    let log = (0..5).find_map(|_| open().inspect_err(|_| *excuse = true).ok());
    (log.expect("opened"), clock)
}

fn is_to(one: &Said, room: usize) -> bool {
    if one.rooms.is_empty() { room == 0 } else { one.rooms.contains(&room) }
}

fn hears(wanted: &[Interval], one: &Said) -> bool {
    let within =
        |stay: &Interval| stay.joined < one.at && stay.left.is_none_or(|left| one.at < left);
    let room = |stay: &Interval| ROOMS.iter().position(|room| **room == *stay.room);
    wanted.iter().any(|stay| within(stay) && room(stay).is_some_and(|room| is_to(one, room)))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_a_session_hears_what_it_was_meant_to_or_of_a_gap(
        seed: u64,
        steps in vec(step(), 1..80),
        reads in vec((0..100_u64, 1..2000_usize), 1..4),
    ) {
        let mut life = Life::begin(seed);
        for step in steps {
            life.take(step);
        }
        life.clock.advance(Duration::from_secs(20));
        life.take(Step::Turn);
        life.take(Step::Turn);
        life.check_history();
        for (from, most_bytes) in reads {
            for who in 0..2 {
                let from = life.said.get(usize::try_from(from).expect("small")).map_or(ALL, |one| one.at);
                life.check_read(who, from, most_bytes);
            }
        }
        life.take(Step::Close);
        life.check_history();
    }
}
