//! Events stored per second over the wire: clients of the contract server publish, and each event is acknowledged once it
//! is stored.

use super::class::Class;
use super::crowd::{acknowledged, enter};
use super::ground::{Ground, observer};
use super::{PAYLOAD, Plan, Result, Table};
use crate::client::fleet::Fleet;
use crate::client::listen::{Listener, Message};
use crate::client::message::{Fields, NUMBER, Question, payload};
use crate::client::sequence::InFlight;
use crate::client::{Failure, Nanos};
use crate::frame;
use crate::outbox::Outbox;
use crate::rounds::cpu;
use crate::scenario::window::{Heard, Play, Tally, play};
use crate::scenario::{Measurement, Timing};
use crate::statistics::{figure_or_dash, median, micros, per};

/// Connections, and how many events each has in flight: 64 together, as in `stored`.
const SHAPES: [(usize, usize); 2] = [(64, 1), (4, 16)];

/// All classes and shapes take turns in each round.
///
/// # Errors
///
/// The server does not start, or an answer is wrong.
pub fn table(plan: Plan, ground: &Ground, progress: &mut dyn FnMut(&str)) -> Result<Table> {
    let kinds = Class::DURABLE.map(|class| SHAPES.map(|shape| (class, shape)));
    let kinds = kinds.as_flattened();
    let mut rounds = vec![Vec::new(); kinds.len()];
    for number in 1..=plan.rounds {
        for (&(class, shape), rounds) in kinds.iter().zip(&mut rounds) {
            let measured = measure(class, shape, plan, ground)?;
            let (name, rate) = (class.name(), figure_or_dash(rate(&measured)));
            let (links, window) = shape;
            progress(&format!(
                "wire {number}/{}: {name} {links}x{window}, {rate} events per s",
                plan.rounds
            ));
            rounds.push(measured);
        }
    }
    Ok(Table {
        title: "Events stored, over the wire",
        measured: format!(
            "`contract --profile delivery`, `publish` to a room without members, acknowledged once it is stored; {PAYLOAD} B \
             a payload; over 127.0.0.1; every answer was received; {}. The processor time is that of the server's \
             process.",
            plan.rounds()
        ),
        columns: vec![
            "class",
            "connections × in flight",
            "events per s",
            "µs of server CPU per event",
            "p50, µs",
            "p99, µs",
        ],
        rows: kinds.iter().zip(&rounds).map(|(kind, rounds)| row(*kind, rounds)).collect(),
        goals: Vec::new(),
    })
}

fn row((class, (links, window)): (Class, (usize, usize)), rounds: &[Measurement]) -> Vec<String> {
    let middle =
        |of: fn(&Measurement) -> Option<f64>| figure_or_dash(median(rounds.iter().filter_map(of)));
    vec![
        class.name().to_owned(),
        format!("{links} × {window}"),
        middle(rate),
        middle(cpu),
        middle(|round| round.latency.percentile(50.0).map(micros)),
        middle(|round| round.latency.percentile(99.0).map(micros)),
    ]
}

fn rate(round: &Measurement) -> Option<f64> {
    per(round.units, 1).map(|units| units / round.cost.time.as_secs_f64())
}

/// A server of its own, on a log of its own.
fn measure(
    class: Class,
    (links, window): (usize, usize),
    plan: Plan,
    ground: &Ground,
) -> Result<Measurement> {
    let scratch = ground.scratch()?;
    let server = ground.serve(scratch.path())?;
    let mut fleet = Fleet::new(server.address())?;
    enter(&mut fleet, class, links)?;
    let mut game = Publish::new(class, links, window);
    Ok(play(&mut fleet, &mut Heard(&mut game), plan.timing(), &mut observer(&server))?)
}

impl Plan {
    pub(super) fn timing(self) -> Timing {
        Timing {
            warm_up: self.warm_up,
            measure: self.window,
            silence: std::time::Duration::ZERO,
            drain: super::crowd::PATIENCE,
        }
    }
}

/// Each connection has so many events in flight.
struct Publish {
    question: Question,
    head: String,
    window: usize,
    in_flight: Vec<InFlight>,
    tally: Tally,
}

impl Publish {
    fn new(class: Class, links: usize, window: usize) -> Self {
        let head = format!("42{}", class.prefix());
        let event = br#"["publish","nobody",null,""#.as_slice();
        let question = [head.as_bytes(), &[NUMBER; 8], event, &payload(PAYLOAD), b"\"]"].concat();
        Self {
            question: Question::new(frame::TEXT, &question),
            head: format!("43{}", class.prefix()),
            window,
            in_flight: vec![InFlight::default(); links],
            tally: Tally::default(),
        }
    }

    fn publish(&mut self, link: usize, at: Nanos, outbox: &mut Outbox) {
        let number = self.in_flight[link].send(at);
        self.question.push(outbox.to(link), Fields::new(link, number, 0));
        self.tally.asked(1);
    }
}

impl Play for Publish {
    fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }

    fn pulse(&mut self, at: Nanos, outbox: &mut Outbox) -> Option<Nanos> {
        if self.tally.begins() {
            for link in 0..self.in_flight.len() {
                (0..self.window).for_each(|_| self.publish(link, at, outbox));
            }
        }
        None
    }
}

impl Listener for Publish {
    fn message(
        &mut self,
        link: usize,
        message: Message<'_>,
        at: Nanos,
        outbox: &mut Outbox,
    ) -> std::result::Result<(), Failure> {
        let number = acknowledged(message.bytes(), &self.head);
        let wrong = || Failure::wrong(link, message.bytes(), "the token of an event");
        let number = number.ok_or_else(wrong)?;
        let answered = self.in_flight[link].answer(number);
        self.tally.settle(answered.ok_or(Failure::Doubled { link, number })?, at);
        if self.tally.sending {
            self.publish(link, at, outbox);
        }
        Ok(())
    }
}
