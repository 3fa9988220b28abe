//! A life: processes of the server, one after the other, and pages that outlive them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use log::Clock;
use log::store::simulated::Simulated;
use parking_lot::Mutex;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tokio::time::sleep;

use crate::connection::{Living, Order};
use crate::page::Page;
use crate::plan::{Fault, Plan};
use crate::publish::What;
use crate::record::Record;
use crate::server::{Server, mend};
use crate::story;
use crate::turns::Turns;
use crate::{Problem, steps, workers};

/// How a life went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The seed that it came from.
    pub seed: u64,
    /// How much was published.
    pub said: usize,
    /// The same, counted with everybody who heard it.
    pub heard: usize,
    /// How often somebody came back with everything.
    pub recovered: usize,
    /// How often somebody was told of a gap.
    pub gaps: usize,
    /// What went wrong on purpose, and how often.
    pub faults: BTreeMap<Fault, usize>,
    /// What must not be.
    pub problems: Vec<Problem>,
    /// Everything that happened.
    pub record: Vec<String>,
    /// What led to the first problem.
    pub story: Vec<String>,
}

/// Lives the life of a seed.
pub fn live(seed: u64) -> Outcome {
    let mut life = Life::new(seed);
    while let Next::Another { power } = process(&mut life) {
        life.end_process(power);
    }
    life.outcome()
}

/// What is left of a life when a process ends.
pub(crate) struct Life {
    pub(crate) plan: Plan,
    pub(crate) random: SmallRng,
    pub(crate) record: Record,
    pub(crate) disk: Simulated,
    pub(crate) clock: Clock,
    pub(crate) step: usize,
    pages: Vec<Arc<Mutex<Page>>>,
}

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Another { power: bool },
    Over,
}

/// A process, and the pages as they are connected to it.
pub(crate) struct Now {
    pub(crate) server: Server,
    pub(crate) pages: Vec<Living>,
}

impl Life {
    fn new(seed: u64) -> Self {
        let plan = Plan::new(seed);
        let record = Record::new(&plan);
        record.note(None, format!("{plan:?}"));
        let page = |number| Arc::new(Mutex::new(Page::new(number, &record)));
        Life {
            random: SmallRng::seed_from_u64(seed.wrapping_add(1)),
            pages: (0..plan.pages()).map(page).collect(),
            disk: Simulated::new(seed.wrapping_add(2)),
            clock: Clock::by_hand(),
            step: 0,
            record,
            plan,
        }
    }

    fn end_process(&mut self, power: bool) {
        self.pages.iter().for_each(|page| page.lock().lose());
        let mended = self.random.random_ratio(1, 2);
        if mended {
            mend(&self.disk);
        }
        let mut record = self.record.lock();
        record.store_failed &= !mended;
        record.restart(power);
    }

    /// Time passes, for everybody, in some pieces; the log's writer takes a turn after most of them.
    pub(crate) async fn pass(&mut self, now: &Now, millis: u64) {
        let pieces = millis.clamp(1, 5);
        for _ in 0..pieces {
            let piece = Duration::from_millis(millis.div_ceil(pieces));
            sleep(piece).await;
            self.clock.advance(piece);
            if self.random.random_ratio(self.plan.commit_rate, 100) {
                now.server.log.turn();
            }
        }
    }

    /// Everything is well from now on: everybody comes back, and hears what there is to hear.
    async fn settle(&mut self, now: &Now) -> Next {
        mend(&self.disk);
        self.plan.commit_rate = 100;
        self.record.note(None, "everything is well from now on");
        for page in &now.pages {
            page.order(Order::Read(true));
            page.order(Order::Come);
            page.wires.lock().iter().for_each(|wire| wire.slow_down(0));
        }
        self.pass(now, 30_000).await;
        for _ in 0..PATIENCE {
            now.server.publish(&What::default());
            self.pass(now, 2_000).await;
            if self.is_settled() {
                return Next::Over;
            }
        }
        self.record.lock().problem(None, "not everybody hears the last event");
        Next::Over
    }

    /// Whether everybody has heard the last event.
    fn is_settled(&self) -> bool {
        let record = self.record.lock();
        let last = record.said.len().checked_sub(1);
        record.pages.iter().all(|page| page.connected && page.last == last)
    }

    fn outcome(self) -> Outcome {
        let mut record = self.record.lock();
        record.look_back();
        let first = record.problems.first();
        let story = first.map(|problem| story::story(&record.story, problem));
        Outcome {
            seed: self.plan.seed,
            said: record.said.len(),
            heard: record.said.iter().map(|said| said.heard_by.len()).sum(),
            recovered: record.recovered,
            gaps: record.gaps,
            faults: record.faults.clone(),
            problems: record.problems.clone(),
            record: record.story.iter().map(ToString::to_string).collect(),
            story: story.unwrap_or_default(),
        }
    }
}

/// How often the last event is tried.
const PATIENCE: usize = 60;

/// One process of the server, from its start to its end. What it has not stored ends with it.
fn process(life: &mut Life) -> Next {
    let turns = Turns::default();
    let runtime = turns.runtime();
    turns.take();
    workers::begin(life.plan.workers, life.random.random());
    let server = runtime
        .block_on(async { Server::start(&life.plan, &life.disk, &life.clock, &life.record) });
    let (io, log) = (server.io.clone(), server.log.clone());
    let next = runtime.block_on(run(life, server));
    turns.give();
    match next {
        Next::Another { power: true } => life.disk.crash(),
        Next::Another { power: false } => life.disk.kill(),
        Next::Over => {}
    }
    // Whatever waited to hear from the log never does.
    drop(runtime);
    drop((io, log));
    next
}

async fn run(life: &mut Life, server: Server) -> Next {
    let start = |(page, way)| Living::start(page, way, server.door(), life.random.random());
    let ways = life.plan.ways.iter().copied();
    let pages = life.pages.iter().zip(ways).map(start).collect();
    let now = Now { server, pages };
    while life.step < life.plan.steps {
        life.step += 1;
        life.record.lock().step = life.step;
        if let Some(next) = steps::step(life, &now).await {
            return next;
        }
        now.server.look_at_outboxes(life.plan.outbox);
    }
    let next = life.settle(&now).await;
    let stats = now.server.io.stats();
    if stats.panics > 0 {
        life.record.lock().problem(None, format!("the server has counted {stats:?}"));
    }
    next
}
