//! A process of the server: it has a log that writes when it is told to, and ends when it is told to.

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use log::store::simulated::Simulated;
use log::{Clock, Log, Options};
use serde::Deserialize;
use sockeye::{Auth, BuildError, Data, Io, Recorded, Service, Socket, State};
use std::time::Duration;
use tokio::io::DuplexStream;

use crate::plan::{AWAY, Plan};
use crate::publish::{self, What};
use crate::record::Record;
use crate::said::Address;
use crate::workers;

/// What a page says of itself when it connects.
#[derive(Deserialize)]
struct Named {
    page: usize,
}

pub(crate) struct Server {
    pub(crate) io: Io,
    pub(crate) log: Log,
    pub(crate) record: Record,
    door: Service,
}

/// Every ping is answered within seconds, or the connection is given up.
pub(crate) const PING: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(4));

impl Server {
    /// Opens what the store has kept.
    pub(crate) fn start(plan: &Plan, disk: &Simulated, clock: &Clock, record: &Record) -> Self {
        let options =
            Options { clock: clock.clone(), event_bytes: plan.event_bytes, ..Options::default() };
        let log = Log::by_hand(disk.clone(), options.clone()).unwrap_or_else(|error| {
            record.note(None, format!("the server does not start: {error}"));
            mend(disk);
            Log::by_hand(disk.clone(), options).expect("a store that is mended opens")
        });
        record.note(None, format!("the server starts: the log is {}", log.verdict()));
        let io = build(plan, &log, record).expect("the options make sense");
        io.of("/").durable(plan.class);
        handle(&io);
        let gone = record.clone();
        io.of("/").on_gone(move |one| {
            gone.lock().gone(one.id());
            async {}
        });
        let door = io.service().expect("no state is missing");
        Server { io, log, record: record.clone(), door }
    }

    /// A connection comes in.
    pub(crate) fn door(&self) -> Door {
        Door(self.door.clone())
    }

    /// Publishes something, and notes what becomes of it.
    pub(crate) fn publish(&self, what: &What) {
        workers::act(|| publish::publish(&self.io.of("/"), &self.record, what));
    }

    /// Has it disconnected, and its connection closed or not.
    pub(crate) fn kick(&self, id: &str, close: bool) {
        if let Some(socket) = self.io.socket(id) {
            workers::act(|| socket.disconnect(close));
        }
    }

    /// Has a session join or leave a room, whether it is there or away.
    pub(crate) fn change_one(&self, id: &str, room: &str, joins: bool) {
        let Some(member) = self.record.lock().member_of(id) else { return };
        let one = self.io.to(id);
        let change = || if joins { one.sockets_join(room) } else { one.sockets_leave(room) };
        let recorded = workers::act(change);
        note_change(&self.record, member, room, joins, recorded);
    }

    /// No client has more waiting for it than it may.
    pub(crate) fn look_at_outboxes(&self, limit: usize) {
        let mut record = self.record.lock();
        for member in 0..record.members.len() {
            let socket = self.io.socket(&record.members[member].id);
            let queued = socket.map_or(0, |socket| socket.queued_bytes());
            if queued > limit + LARGEST {
                let page = record.members[member].page;
                record.problem(Some(page), format!("has {queued} bytes waiting for it"));
            }
        }
    }
}

/// An empty outbox takes one event, whatever its size; answers and notices come on top.
const LARGEST: usize = 32 * 1024;

/// The store refuses nothing any more.
pub(crate) fn mend(disk: &Simulated) {
    disk.fail_appends(0);
    disk.fail_syncs(0);
    disk.fill_up_after(None);
}

/// Where connections come in.
#[derive(Clone)]
pub(crate) struct Door(Service);

impl Door {
    pub(crate) fn enter(&self, stream: DuplexStream) {
        let connection = http1::Builder::new()
            .serve_connection(TokioIo::new(stream), self.0.clone())
            .with_upgrades();
        workers::spawn(connection);
    }
}

fn build(plan: &Plan, log: &Log, record: &Record) -> Result<Io, BuildError> {
    Io::builder()
        .ping_interval(PING.0)
        .ping_timeout(PING.1)
        .away_timeout(AWAY)
        .workers(plan.workers)
        .outbox_bytes(plan.outbox)
        .log(log.clone())
        .state(record.clone())
        .build()
}

fn handle(io: &Io) {
    let all = io.of("/");
    all.middleware(async |State(record): State<Record>, Auth(named): Auth<Named>| {
        record.lock().entering(named.page);
    });
    all.on_connect(greet);
    all.once("say", "/0").on("say", say);
    all.on("enter", enter);
    all.on(
        "exit",
        async |State(record): State<Record>, socket: Socket, Data(room): Data<String>| {
            change(&record, &socket, &room, false);
        },
    );
}

/// Everybody begins in a room, as an application would do it.
async fn greet(State(record): State<Record>, socket: Socket, Auth(named): Auth<Named>) {
    let (page, recovered) = (named.page, socket.recovered());
    record.lock().connected(page, socket.id(), recovered, &socket.rooms());
    if !recovered {
        change(&record, &socket, &room(page % 2), true);
    }
}

/// The past of a room first, and then everything after.
async fn enter(State(record): State<Record>, socket: Socket, Data(room): Data<String>) {
    let _held = socket.hold();
    change(&record, &socket, &room, true);
    if socket.namespace().history(&room).limit(5).load().await.is_err() {
        record.note(None, "the history cannot be read");
    }
}

/// A page publishes something: once, however often it says so.
async fn say(
    State(record): State<Record>,
    socket: Socket,
    Data((key, room)): Data<(String, String)>,
) {
    let address = Address { to: vec![room], except: Vec::new() };
    let class = record.lock().class;
    let what = What { class, address, key: Some(key), ..What::default() };
    publish::publish(socket.namespace(), &record, &what);
}

pub(crate) fn room(number: usize) -> String {
    format!("room{number}")
}

/// A socket joins or leaves a room. Whether that is stored is noted when it is known.
pub(crate) fn change(record: &Record, socket: &Socket, room: &str, joins: bool) {
    let done = if joins { socket.join(room) } else { socket.leave(room) };
    let Some(member) = record.lock().member_of(socket.id()) else { return };
    match done {
        Ok(recorded) => note_change(record, member, room, joins, recorded),
        Err(error) => record.note(None, format!("session {member}: {error}")),
    }
}

fn note_change(record: &Record, member: usize, room: &str, joins: bool, recorded: Recorded) {
    let Some(change) = record.lock().change(member, room, joins) else { return };
    let record = record.clone();
    tokio::spawn(async move {
        if recorded.stored().await.is_ok() {
            record.lock().stored(member, change);
        }
    });
}
