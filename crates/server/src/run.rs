//! Serving on several cores: for each worker a thread with a runtime of its own.

use std::fmt;
use std::io::{Error, Result as IoResult};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::ToSocketAddrs;
use tokio::runtime;
use transport::listener::Bound;
use transport::threads;

use crate::error::ServeError;
use crate::{Io, mount};

/// How long the others are given when one worker has failed.
const GOODBYE: Duration = Duration::from_secs(5);

impl Io {
    /// Serves alone on this address, on as many threads as
    /// [`Builder::workers`](crate::Builder::workers) says, until [`close`](Self::close) has been called
    /// and is done. Each thread has a current-thread runtime with connections of its own. Blocks: it
    /// is for a `main` without a runtime.
    ///
    /// ```no_run
    /// use sockeye::{Data, Io};
    ///
    /// fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let cores = std::thread::available_parallelism()?.get();
    ///     let io = Io::builder().workers(cores).build()?;
    ///     io.of("/").on("hello", async |Data(name): Data<String>| format!("hello {name}"));
    ///     io.run("127.0.0.1:3000")?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`serve`](Self::serve), and if the system lets no thread start.
    pub fn run(&self, address: impl ToSocketAddrs + fmt::Debug) -> Result<(), ServeError> {
        self.check()?;
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        let listening = runtime.map_err(ServeError::Thread)?.block_on(async {
            mount::listen(address).await?.into_std().map_err(ServeError::Accept)
        });
        self.run_listener(listening?)
    }

    /// As [`run`](Self::run), on this listener of the standard library, of TCP or of a Unix socket.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub fn run_listener(&self, listener: impl Into<Bound>) -> Result<(), ServeError> {
        self.check()?;
        let listener = listener.into();
        let started = (0..self.workers()).map(|number| self.start(number, &listener));
        let threads = match started.collect::<IoResult<Vec<_>>>() {
            Ok(threads) => threads,
            Err(problem) => {
                // Those that have started end by themselves: fewer than were asked for serve nobody.
                self.give_up();
                return Err(ServeError::Thread(problem));
            }
        };
        drop(listener);
        let ends: Vec<_> = threads.into_iter().map(join).collect();
        ends.into_iter().collect()
    }

    /// Starts one worker. All of them accept from the same queue of the kernel.
    fn start(
        &self,
        number: usize,
        listener: &Bound,
    ) -> IoResult<JoinHandle<Result<(), ServeError>>> {
        let (io, listener) = (self.clone(), listener.try_clone()?);
        threads::spawn(number, move || async move {
            let served = io.serve_until_closed(listener).await;
            if served.is_err() {
                io.close(GOODBYE).await;
            }
            served
        })
    }

    async fn serve_until_closed(&self, listener: Bound) -> Result<(), ServeError> {
        let listener = listener.listen().map_err(ServeError::Accept)?;
        self.serve_listener(listener).await?;
        // The sessions of this thread live on its runtime: it has to outlast them.
        self.ended().await;
        Ok(())
    }
}

fn join(thread: JoinHandle<Result<(), ServeError>>) -> Result<(), ServeError> {
    let died = |_| Err(ServeError::Accept(Error::other("a worker's thread has panicked")));
    thread.join().unwrap_or_else(died)
}
