//! From the moment an event is due to its arrival, at a thousand a second: does it cost more than the disk takes?
//!
//! The classes take turns in one run against one server of this process: what the machine does meanwhile meets all of
//! them, and how long the disk takes is known for the same moments.

use super::class::Class;
use super::crowd::{ONCE, ask, enter};
use super::ground::Ground;
use super::inside::{Inside, Serving};
use super::table::Goal;
use super::{PAYLOAD, Plan, Result, Table};
use crate::client::fleet::Fleet;
use crate::client::listen::{Listener, Message};
use crate::client::message::{Answer, Fields, Question, payload};
use crate::client::sequence::InFlight;
use crate::client::{Failure, Nanos};
use crate::frame;
use crate::histogram::Histogram;
use crate::outbox::Outbox;
use crate::process::observer::Observer;
use crate::scenario::schedule::Schedule;
use crate::scenario::window::{Heard, Play, Tally, play};
use crate::scenario::{Measurement, Timing};
use crate::statistics::{figure, figure_or_dash, micros};

const PER_SECOND: u32 = 1000;
const CLASSES: [Class; 3] = [Class::Plain, Class::Async, Class::Fsync];
/// Who speaks, and who listens.
const PUBLISHER: usize = 0;
const MEMBER: usize = 1;
/// How many median syncs an event of class `fsync` may take longer than a plain one.
const SYNCS: f64 = 3.0;

/// What all turns of a class brought.
#[derive(Default)]
struct Turns {
    latency: Histogram,
    /// Syncs of the log meanwhile.
    syncs: Histogram,
}

/// All classes, turn by turn.
///
/// # Errors
///
/// The log cannot be opened, or an event is lost.
pub fn table(plan: Plan, ground: &Ground, progress: &mut dyn FnMut(&str)) -> Result<Table> {
    let scratch = ground.scratch()?;
    let serving = Inside::new(&scratch)?.serve()?;
    let mut all = CLASSES.map(|_| Turns::default());
    for turn in 1..=plan.turns {
        for (class, turns) in CLASSES.into_iter().zip(&mut all) {
            let _ = serving.syncs.take();
            turns.latency.add(&measure(class, plan, &serving)?.latency);
            serving.syncs.take().into_iter().for_each(|nanos| turns.syncs.record(nanos));
            let so_far = figure_or_dash(turns.percentile(99.0));
            progress(&format!(
                "latency {turn}/{}: {}, p99 {so_far} µs so far",
                plan.turns,
                class.name()
            ));
        }
    }
    let [plain, _, fsync] = &all;
    Ok(Table {
        title: "Latency at a thousand events a second",
        measured: format!(
            "One publisher, one room with one member, {PAYLOAD} B a payload, over 127.0.0.1; from the moment an event was due \
             (an open loop) to its arrival. The classes took turns of {:.1} s in one run, {} each; the syncs are those of \
             the log during these turns.",
            plan.turn.as_secs_f64(),
            plan.turns
        ),
        columns: vec![
            "class",
            "events",
            "p50, µs",
            "p99, µs",
            "p99.9, µs",
            "syncs",
            "median sync, µs",
            "p99 sync, µs",
        ],
        rows: CLASSES.iter().zip(&all).map(|(class, turns)| turns.row(*class)).collect(),
        goals: vec![goal(plain, fsync)],
    })
}

/// What the disk takes is allowed for.
fn goal(plain: &Turns, fsync: &Turns) -> Goal {
    let what = "p99 of fsync, against that of plain and three median syncs, µs";
    let most = plain.percentile(99.0).zip(fsync.sync(50.0)).map(|(p99, sync)| p99 + SYNCS * sync);
    let figure_of = most.and_then(|_| fsync.percentile(99.0));
    Goal::at_most(what, most.unwrap_or_default(), figure_of, figure)
}

impl Turns {
    fn percentile(&self, percent: f64) -> Option<f64> {
        self.latency.percentile(percent).map(micros)
    }

    fn sync(&self, percent: f64) -> Option<f64> {
        self.syncs.percentile(percent).map(micros)
    }

    fn row(&self, class: Class) -> Vec<String> {
        let cell = |percent| figure_or_dash(self.percentile(percent));
        vec![
            class.name().to_owned(),
            self.latency.len().to_string(),
            cell(50.0),
            cell(99.0),
            cell(99.9),
            self.syncs.len().to_string(),
            figure_or_dash(self.sync(50.0)),
            figure_or_dash(self.sync(99.0)),
        ]
    }
}

/// One turn of a class.
fn measure(class: Class, plan: Plan, serving: &Serving) -> Result<Measurement> {
    let mut fleet = Fleet::new(serving.address)?;
    enter(&mut fleet, class, 2)?;
    ask(&mut fleet, class, MEMBER..MEMBER + 1, br#"["join","lobby"]"#, ONCE)?;
    let timing = Timing { measure: plan.turn, ..plan.timing() };
    let mut game = Due::new(class);
    let mut observer = Observer::new(std::process::id());
    Ok(play(&mut fleet, &mut Heard(&mut game), timing, &mut observer)?)
}

/// One speaks when it is due, the other one hears it.
struct Due {
    question: Question,
    answer: Answer,
    schedule: Schedule,
    in_flight: InFlight,
    tally: Tally,
}

impl Due {
    fn new(class: Class) -> Self {
        let head = format!("42{}", class.prefix());
        let (head, payload) = (head.as_bytes(), payload(PAYLOAD));
        let question = [head, br#"["say","lobby",""#.as_slice(), &payload, b"\"]"].concat();
        Self {
            question: Question::new(frame::TEXT, &question),
            answer: Answer::new(&[head, br#"["said",""#.as_slice(), &payload, b"\"]"].concat()),
            schedule: Schedule::per_second(PER_SECOND),
            in_flight: InFlight::default(),
            tally: Tally::default(),
        }
    }
}

impl Play for Due {
    fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }

    fn pulse(&mut self, at: Nanos, outbox: &mut Outbox) -> Option<Nanos> {
        loop {
            let due = self.schedule.next(at);
            if due > at || !self.tally.sending {
                return Some(due);
            }
            self.schedule.done();
            let number = self.in_flight.send(due);
            self.question.push(outbox.to(PUBLISHER), Fields::new(PUBLISHER, number, 0));
            self.tally.asked(1);
        }
    }
}

impl Listener for Due {
    fn message(
        &mut self,
        link: usize,
        message: Message<'_>,
        at: Nanos,
        _outbox: &mut Outbox,
    ) -> std::result::Result<(), Failure> {
        let wrong = || Failure::wrong(link, message.bytes(), "what the publisher said");
        let heard = self.answer.read(message.bytes()).filter(|_| link == MEMBER);
        let number = heard.ok_or_else(wrong)?.number;
        let answered = self.in_flight.answer(number);
        self.tally.settle(answered.ok_or(Failure::Doubled { link, number })?, at);
        Ok(())
    }
}
