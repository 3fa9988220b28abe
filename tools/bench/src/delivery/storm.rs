//! Thousands of clients come back at once, and each has missed events: how long until all have everything, and what does
//! the server's memory do meanwhile?
//!
//! ```text
//!  connect, join, one event   cut                   events                come back            all have all
//!  ─────────────────────────▶ all ends are reset ──▶ published, stored ──▶ with their secrets ──▶ and each once, in order
//! ```

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::class::Class;
use super::crowd::{Crowd, ONCE, PATIENCE, ask, enter};
use super::ground::{Ground, observer};
use super::{PAYLOAD, Plan, Result, Table};
use crate::client::fleet::Fleet;
use crate::client::message::payload;
use crate::process::observer::Observer;
use crate::process::server::Server;
use crate::statistics::{figure, micros};

const CLASS: Class = Class::Fsync;
/// So many events to somebody else, behind those that were missed: what was missed is no longer at hand then, and has to be
/// read from the log.
const OTHERS: u32 = 2000;
/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// One storm.
struct Storm {
    name: &'static str,
    took: Duration,
    /// Bytes: all are connected, all are away, the most while they come back, all are back.
    memory: [u64; 4],
}

/// A storm on what is at hand, and one on what has to be read.
///
/// # Errors
///
/// The server does not start, somebody has not got every event once and in order, or the system allows too few files.
pub fn table(plan: Plan, ground: &Ground, progress: &mut dyn FnMut(&str)) -> Result<Table> {
    ground.allow(plan.clients)?;
    let mut storms = Vec::new();
    for (name, others) in [("in the server's memory", 0), ("in the log alone", OTHERS)] {
        let storm = measure(name, others, plan, ground)?;
        progress(&format!("storm, {name}: {:.2} s", storm.took.as_secs_f64()));
        storms.push(storm);
    }
    Ok(Table {
        title: "A reconnect storm",
        measured: format!(
            "{} clients of one room, class {}, each of which missed {} events of {PAYLOAD} B; over 127.0.0.1, generator and \
             server on one machine; every client got every event once and in order. Time from the first connection that \
             comes back until all have all. Memory: the server's PSS.",
            plan.clients,
            CLASS.name(),
            plan.missed
        ),
        columns: vec![
            "what was missed is",
            "all have all after, s",
            "events per s",
            "MiB, connected",
            "MiB, away",
            "MiB, most meanwhile",
            "MiB, all back",
        ],
        rows: storms.iter().map(|storm| row(storm, plan)).collect(),
        goals: Vec::new(),
    })
}

fn row(storm: &Storm, plan: Plan) -> Vec<String> {
    let seconds = storm.took.as_secs_f64();
    let events = plan.clients as u64 * u64::from(plan.missed);
    let mut row = vec![storm.name.to_owned(), format!("{seconds:.2}")];
    row.push(figure(micros(events * 1000) / seconds));
    row.extend(storm.memory.map(|bytes| format!("{:.1}", micros(bytes * 1000) / 1_048_576.0)));
    row
}

fn measure(name: &'static str, others: u32, plan: Plan, ground: &Ground) -> Result<Storm> {
    let scratch = ground.scratch()?;
    let server = ground.serve(scratch.path())?;
    let watched = observer(&server);
    let files = watched.open_files()?;
    let mut crowd = Crowd::new(CLASS, plan.clients);
    let connected = gather(&mut crowd, &server, plan)?;
    wait_until_cut(&watched, files)?;
    publish(&server, "storm", ONCE.end..ONCE.end + plan.missed)?;
    publish(&server, "others", ONCE.start..ONCE.start + others)?;
    let away = watched.memory()?.pss;
    let peak = Peak::watch(&server);
    crowd.expect(plan.missed);
    let mut fleet = Fleet::new(server.address())?;
    let start = Instant::now();
    crowd.open(&mut fleet)?;
    crowd.listen(&mut fleet)?;
    let took = start.elapsed();
    let back = watched.memory()?.pss;
    Ok(Storm { name, took, memory: [connected, away, peak.end().max(back), back] })
}

/// All connect, join and get one event; then their connections are reset. The server's memory just before.
fn gather(crowd: &mut Crowd, server: &Server, plan: Plan) -> Result<u64> {
    let mut fleet = Fleet::new(server.address())?;
    crowd.open(&mut fleet)?;
    ask(&mut fleet, CLASS, 0..plan.clients, br#"["join","storm"]"#, ONCE)?;
    crowd.expect(1);
    publish(server, "storm", ONCE)?;
    crowd.listen(&mut fleet)?;
    Ok(observer(server).memory()?.pss)
}

/// Somebody else publishes events with these numbers, and waits until they are stored.
fn publish(server: &Server, room: &str, numbers: Range<u32>) -> Result<()> {
    let mut fleet = Fleet::new(server.address())?;
    enter(&mut fleet, CLASS, 1)?;
    let head = format!(r#"["publish","{room}",null,""#);
    let words = [head.as_bytes(), &payload(PAYLOAD), b"\"]"].concat();
    Ok(ask(&mut fleet, CLASS, 0..1, &words, numbers)?)
}

/// The server has noticed that nobody is there.
fn wait_until_cut(watched: &Observer, files: usize) -> Result<()> {
    let give_up = Instant::now() + PATIENCE;
    while watched.open_files()? > files {
        if Instant::now() > give_up {
            return Err("the server keeps connections that were reset".into());
        }
        std::thread::sleep(LOOK);
    }
    Ok(())
}

/// Looks at a server's memory again and again.
struct Peak {
    over: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<u64>,
}

impl Peak {
    fn watch(server: &Server) -> Self {
        let (over, watched) = (Arc::new(AtomicBool::new(false)), observer(server));
        let is_over = Arc::clone(&over);
        let thread = std::thread::spawn(move || {
            let mut most = 0;
            while !is_over.load(Ordering::Relaxed) {
                most = most.max(watched.memory().map_or(0, |memory| memory.pss));
                std::thread::sleep(LOOK);
            }
            most
        });
        Self { over, thread }
    }

    fn end(self) -> u64 {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_default()
    }
}
