//! What a client is told about its handlers.

use std::time::Duration;

use handler::States;

use super::Builder;

/// What a client was told about its handlers.
pub(crate) struct Handling {
    pub(crate) states: States,
    /// Most unfinished handlers.
    pub(crate) unfinished: usize,
    /// Most bytes of what has come and is not started, or not pulled.
    pub(crate) parked_bytes: usize,
    /// A handler that waits for longer is dropped.
    pub(crate) handler_timeout: Duration,
}

impl Default for Handling {
    fn default() -> Self {
        Handling {
            states: States::default(),
            unfinished: 64,
            parked_bytes: 1 << 20,
            handler_timeout: Duration::from_mins(5),
        }
    }
}

impl Builder {
    /// Gives a value to the handlers, which ask for it as [`State<T>`](crate::State): one of each type, the last that was given. It
    /// is cloned for each call; wrap what is big in an `Arc`.
    ///
    /// ```
    /// use sockeye_client::{Client, State};
    ///
    /// #[derive(Clone)]
    /// struct Name(String);
    ///
    /// let client = Client::builder("http://localhost:3000").state(Name("ada".to_owned())).build()?;
    /// client.socket().on("who", async |State(name): State<Name>| name.0);
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn state<T: Clone + Send + Sync + 'static>(mut self, state: T) -> Self {
        self.handling.states.insert(state);
        self
    }

    /// Most handlers of one connection that are unfinished; past it, what comes is parked, raw and in order. Default 64; 1 at least.
    ///
    /// ```
    /// # use sockeye_client::Client;
    /// let client = Client::builder("http://localhost:3000").max_unfinished_events(1).build()?;
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn max_unfinished_events(mut self, events: usize) -> Self {
        self.handling.unfinished = events.max(1);
        self
    }

    /// How much may wait that has come, in bytes: of parked events, and for each socket of events that nobody has
    /// [pulled](crate::Socket::recv). Past it nothing more is read until there is room, so that the server waits; while somebody
    /// awaits an answer of the server, which may come behind all that, it is four times as much. What has been read already is taken, whatever its size. Default 1 MiB.
    ///
    /// ```
    /// # use sockeye_client::Client;
    /// let client = Client::builder("http://localhost:3000").parked_bytes(64 << 10).build()?;
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn parked_bytes(mut self, bytes: usize) -> Self {
        self.handling.parked_bytes = bytes;
        self
    }

    /// How long a handler may take. One that has not finished by then is dropped where it waits: a server that waits for its answer
    /// gets an error, and the log names it. What has to run for longer belongs into a task of its own. Default 5 minutes;
    /// `Duration::MAX` is never.
    ///
    /// ```
    /// # use sockeye_client::Client;
    /// # use std::time::Duration;
    /// let client = Client::builder("http://localhost:3000").handler_timeout(Duration::from_secs(30)).build()?;
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn handler_timeout(mut self, timeout: Duration) -> Self {
        self.handling.handler_timeout = timeout;
        self
    }
}
