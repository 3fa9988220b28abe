//! A server of this process, for what cannot be seen from outside: its log is at hand, and its syncs are timed.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use sockeye::{Data, Io, Log, LogOptions, Namespace, Socket};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

use super::class::Class;
use super::ground::Scratch;
use super::timed::{self, Syncs};
use super::{PAYLOAD, Result};

/// How long its end may take.
const GOODBYE: Duration = Duration::from_secs(2);

/// A server that is not running yet.
pub struct Inside {
    /// Its handle.
    pub io: Io,
    /// Where its durable events are.
    pub log: Log,
    /// How long each sync of the log took.
    pub syncs: Syncs,
}

impl Inside {
    /// A server with a namespace for each class, on a log in this directory.
    ///
    /// # Errors
    ///
    /// The log cannot be opened.
    pub fn new(scratch: &Scratch) -> Result<Self> {
        let (log, syncs) = timed::open(scratch.path(), LogOptions::default())?;
        Ok(Self { io: server(&log)?, log, syncs })
    }

    /// Runs it on a thread of its own.
    ///
    /// # Errors
    ///
    /// There is no port, or no thread.
    pub fn serve(self) -> Result<Serving> {
        let runtime = runtime()?;
        let listener = runtime.block_on(listen())?;
        let address = listener.local_addr()?;
        let (io, theirs) = (self.io.clone(), self.io);
        let thread = std::thread::Builder::new().name("server".to_owned());
        let thread = thread.spawn(move || {
            // It is asked whether it serves by everything that is measured.
            let _ = runtime.block_on(theirs.serve_listener(listener));
        })?;
        Ok(Serving { io, address, syncs: self.syncs, thread: Some(thread) })
    }
}

/// A server that runs; dropping it ends it.
pub struct Serving {
    io: Io,
    /// Where it listens.
    pub address: SocketAddr,
    /// How long each sync of its log took.
    pub syncs: Syncs,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Ok(runtime) = runtime() {
            runtime.block_on(self.io.close(GOODBYE));
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// One thread, as the server library is meant to be run.
///
/// # Errors
///
/// What the system says.
pub fn runtime() -> std::io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// A free port of 127.0.0.1.
///
/// # Errors
///
/// What the system says.
pub async fn listen() -> std::io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await
}

/// A namespace for each class, in which `say` speaks to who did `join`.
fn server(log: &Log) -> Result<Io> {
    let io = Io::builder().any_origin().log(log.clone()).build()?;
    for class in Class::ALL {
        let namespace = io.of(class.namespace());
        if let Some(durability) = class.durability() {
            namespace.durable(durability);
        }
        namespace.on("join", join).on("say", say);
    }
    Ok(io)
}

async fn join(socket: Socket, Data(room): Data<String>) -> sockeye::Result<bool> {
    socket.join(room)?.stored().await?;
    Ok(true)
}

async fn say(
    namespace: Namespace,
    Data((room, text)): Data<(String, String)>,
) -> sockeye::Result<()> {
    namespace.to(room).emit("said", &text)?;
    Ok(())
}

/// So many tasks that emit and wait until it is stored, again and again, while `go_on` says so. How many events that were.
///
/// # Errors
///
/// The log fails.
pub async fn store(
    namespace: &Namespace,
    tasks: usize,
    go_on: impl Fn() -> bool + Send + Sync + 'static,
) -> Result<u64> {
    let go_on = Arc::new(go_on);
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..tasks {
        let (namespace, go_on) = (namespace.clone(), Arc::clone(&go_on));
        running.spawn(async move {
            let (payload, mut count) = ("x".repeat(PAYLOAD), 0);
            while go_on() {
                namespace.to("lobby").emit("event", &payload)?.stored().await?;
                count += 1;
                // What is stored at once never waits, and would leave no time to the others.
                tokio::task::consume_budget().await;
            }
            Ok::<u64, sockeye::Error>(count)
        });
    }
    let mut sum = 0;
    while let Some(count) = running.join_next().await {
        sum += count?.map_err(|error| error.to_string())?;
    }
    Ok(sum)
}
