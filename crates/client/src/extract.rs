//! Extractors: from what happened to the arguments of a handler.
//!
//! Extraction is synchronous and ends before the handler's future is made: what an extractor
//! borrows is gone by then, so whatever it hands out is owned.

use std::any::{TypeId, type_name};
use std::fmt;
use std::sync::Arc;

use ::handler::{Data, Description, Event, ExtractError, Need, State};
use serde::de::DeserializeOwned;
use socket_proto::{Args as RawArgs, DecodeError};

use crate::ack::{AckSender, Owed, Question};
use crate::{Args, Client, ConnectError, DisconnectReason, Socket};

/// In `on_connect`.
///
/// ```
/// # let client = sockeye_client::Client::builder("http://localhost:3000").build()?;
/// use sockeye_client::{Handler, OnConnect, Socket};
///
/// fn register<M: 'static>(socket: &Socket, handler: impl Handler<OnConnect, M>) {
///     socket.on_connect(handler);
/// }
/// register(&client.socket(), async || println!("connected"));
/// # Ok::<(), sockeye_client::BuildError>(())
/// ```
#[derive(Debug)]
pub enum OnConnect {}

/// In `on`, `on_any` and `on_any_outgoing`.
///
/// ```
/// # let client = sockeye_client::Client::builder("http://localhost:3000").build()?;
/// use sockeye_client::{Handler, OnEvent, Socket};
///
/// fn register<M: 'static>(socket: &Socket, handler: impl Handler<OnEvent, M>) {
///     socket.on_any(handler);
/// }
/// register(&client.socket(), async || println!("an event"));
/// # Ok::<(), sockeye_client::BuildError>(())
/// ```
#[derive(Debug)]
pub enum OnEvent {}

/// In `on_disconnect`.
///
/// ```
/// # let client = sockeye_client::Client::builder("http://localhost:3000").build()?;
/// use sockeye_client::{Handler, OnDisconnect, Socket};
///
/// fn register<M: 'static>(socket: &Socket, handler: impl Handler<OnDisconnect, M>) {
///     socket.on_disconnect(handler);
/// }
/// register(&client.socket(), async || println!("disconnected"));
/// # Ok::<(), sockeye_client::BuildError>(())
/// ```
#[derive(Debug)]
pub enum OnDisconnect {}

/// In `on_connect_error`.
///
/// ```
/// # let client = sockeye_client::Client::builder("http://localhost:3000").build()?;
/// use sockeye_client::{Handler, OnConnectError, Socket};
///
/// fn register<M: 'static>(socket: &Socket, handler: impl Handler<OnConnectError, M>) {
///     socket.on_connect_error(handler);
/// }
/// register(&client.socket(), async || println!("no connection"));
/// # Ok::<(), sockeye_client::BuildError>(())
/// ```
#[derive(Debug)]
pub enum OnConnectError {}

/// Something a handler can ask for, by taking it as an argument. `On` says in which kind of
/// handler: [`OnConnect`], [`OnEvent`], [`OnDisconnect`] or [`OnConnectError`].
///
/// | extractor                   | gives                                             | where             |
/// |-----------------------------|---------------------------------------------------|-------------------|
/// | [`Socket`], [`Client`]      | the socket, and the client it belongs to          | everywhere        |
/// | [`State<T>`]                | a clone of what `Client::builder(..).state(..)` got | everywhere      |
/// | [`Data<T>`]                 | the first argument; the first n, as a tuple       | events            |
/// | [`Args`]                    | all arguments, raw                                | events            |
/// | [`AckSender`]               | the acknowledgement, to be answered by hand       | events            |
/// | [`Event`]                   | the event's name                                  | events            |
/// | [`Reason`], [`Description`] | why the socket is no longer connected             | on disconnect     |
/// | [`ConnectError`]            | why it could not be connected                     | on connect error  |
///
/// A type of your own can be an extractor:
///
/// ```
/// use sockeye_client::{Call, Client, Extract, ExtractError};
///
/// struct Room(String);
///
/// impl<On> Extract<On> for Room {
///     fn extract(call: &mut Call<'_>) -> Result<Self, ExtractError> {
///         Ok(Room(call.socket().namespace().trim_start_matches('/').to_owned()))
///     }
/// }
///
/// let client = Client::builder("http://localhost:3000").build()?;
/// client.of("/lobby").on("greet", async |Room(name): Room| format!("hello from {name}"));
/// # Ok::<(), sockeye_client::BuildError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of this handler",
    label = "not an extractor here",
    note = "extractors are Socket, Client, State<T> everywhere; Data<T>, Args, AckSender, Event for events; Reason, Description on disconnect; ConnectError on a connect error",
    note = "`Data<T>` needs a `T` that owns its data and has `#[derive(serde::Deserialize)]`; `State<T>` needs `T: Clone`"
)]
pub trait Extract<On>: Sized + Send + 'static {
    /// Takes the argument out of the call.
    ///
    /// # Errors
    ///
    /// Words for the server: the handler is not called then.
    fn extract(call: &mut Call<'_>) -> Result<Self, ExtractError>;

    /// Notes what must be there. Most need nothing.
    #[doc(hidden)]
    fn needs(_needs: &mut Vec<Need>) {}
}

/// What a handler is being called for.
///
/// ```
/// use sockeye_client::{Call, Extract, ExtractError, OnEvent};
///
/// struct Found(String);
///
/// impl Extract<OnEvent> for Found {
///     fn extract(call: &mut Call<'_>) -> Result<Self, ExtractError> {
///         Ok(Found(format!("{} in {}", call.event(), call.socket().namespace())))
///     }
/// }
/// ```
pub struct Call<'a> {
    pub(crate) socket: &'a Socket,
    pub(crate) event: &'a str,
    pub(crate) args: RawArgs<'a>,
    pub(crate) owed: Owed,
    why: Why<'a>,
}

/// Why it is called, if there is no event.
#[derive(Clone, Copy)]
enum Why<'a> {
    Nothing,
    Left(DisconnectReason, Option<&'a str>),
    Failed(&'a ConnectError),
}

impl<'a> Call<'a> {
    /// A call without arguments: the socket is connected.
    pub(crate) fn bare(socket: &'a Socket) -> Self {
        let (event, args, owed, why) = ("", RawArgs::default(), Owed::Nothing, Why::Nothing);
        Call { socket, event, args, owed, why }
    }

    /// An event has come.
    pub(crate) fn of(socket: &'a Socket, event: &'a str, args: RawArgs<'a>, owed: Owed) -> Self {
        Call { event, args, owed, ..Call::bare(socket) }
    }

    /// The socket is no longer connected.
    pub(crate) fn left(
        socket: &'a Socket,
        reason: DisconnectReason,
        description: Option<&'a str>,
    ) -> Self {
        Call { why: Why::Left(reason, description), ..Call::bare(socket) }
    }

    /// An attempt to connect it has failed.
    pub(crate) fn failed(socket: &'a Socket, error: &'a ConnectError) -> Self {
        Call { why: Why::Failed(error), ..Call::bare(socket) }
    }

    /// Where the handler's value goes, if somebody waits for it.
    pub(crate) fn place(&self) -> Option<Arc<Question>> {
        self.owed.place()
    }

    /// The socket it happens to.
    ///
    /// ```
    /// use sockeye_client::{Call, Extract, ExtractError, OnEvent};
    ///
    /// struct Found(String);
    ///
    /// impl Extract<OnEvent> for Found {
    ///     fn extract(call: &mut Call<'_>) -> Result<Self, ExtractError> {
    ///         Ok(Found(call.socket().namespace().to_owned()))
    ///     }
    /// }
    /// ```
    pub fn socket(&self) -> &Socket {
        self.socket
    }

    /// The event's name; empty if it is none.
    ///
    /// ```
    /// use sockeye_client::{Call, Extract, ExtractError, OnEvent};
    ///
    /// struct Found(String);
    ///
    /// impl Extract<OnEvent> for Found {
    ///     fn extract(call: &mut Call<'_>) -> Result<Self, ExtractError> {
    ///         Ok(Found(call.event().to_owned()))
    ///     }
    /// }
    /// ```
    pub fn event(&self) -> &str {
        self.event
    }

    /// The event's arguments, read as [`Data`] would.
    ///
    /// ```
    /// use sockeye_client::{Call, Extract, ExtractError, OnEvent};
    ///
    /// struct Found(String);
    ///
    /// impl Extract<OnEvent> for Found {
    ///     fn extract(call: &mut Call<'_>) -> Result<Self, ExtractError> {
    ///         Ok(Found(call.parse::<String>()?))
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Says which argument was wrong.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ExtractError> {
        self.args.parse().map_err(|error: DecodeError| ExtractError::new::<T>(error))
    }
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("socket", self.socket).field("event", &self.event).finish()
    }
}

/// Why the socket is no longer connected.
///
/// ```
/// # let client = sockeye_client::Client::builder("http://localhost:3000").build()?;
/// use sockeye_client::{Description, Reason};
///
/// client.socket().on_disconnect(async |Reason(why): Reason, Description(words): Description| match words {
///     Some(words) => println!("disconnected: {why}: {words}"),
///     None => println!("disconnected: {why}"),
/// });
/// # Ok::<(), sockeye_client::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason(pub DisconnectReason);

impl<On> Extract<On> for Socket {
    fn extract(call: &mut Call<'_>) -> Result<Self, ExtractError> {
        Ok(call.socket.clone())
    }
}

impl<On> Extract<On> for Client {
    fn extract(call: &mut Call<'_>) -> Result<Self, ExtractError> {
        Ok(call.socket.client())
    }
}

impl<On, T: Clone + Send + Sync + 'static> Extract<On> for State<T> {
    fn extract(call: &mut Call<'_>) -> Result<Self, ExtractError> {
        let state = call.socket.config().handling.states.get::<T>();
        let missing = || {
            let name = type_name::<T>();
            ExtractError::new::<Self>(format_args!("the client has no `State<{name}>`"))
        };
        state.cloned().map(State).ok_or_else(missing)
    }

    fn needs(needs: &mut Vec<Need>) {
        needs.push(Need { id: TypeId::of::<T>(), name: type_name::<T>() });
    }
}

impl<T: DeserializeOwned + Send + 'static> Extract<OnEvent> for Data<T> {
    fn extract(call: &mut Call<'_>) -> Result<Self, ExtractError> {
        call.parse().map(Data)
    }
}

impl Extract<OnEvent> for Args {
    fn extract(call: &mut Call<'_>) -> Result<Self, ExtractError> {
        Ok(Args::of(call.args.to_owned()))
    }
}

impl Extract<OnEvent> for Event {
    fn extract(call: &mut Call<'_>) -> Result<Self, ExtractError> {
        Ok(Event(call.event.to_owned()))
    }
}

impl Extract<OnEvent> for AckSender {
    fn extract(call: &mut Call<'_>) -> Result<Self, ExtractError> {
        Ok(call.owed.hand_over())
    }
}

impl Extract<OnDisconnect> for Reason {
    fn extract(call: &mut Call<'_>) -> Result<Self, ExtractError> {
        match call.why {
            Why::Left(reason, _) => Ok(Reason(reason)),
            Why::Nothing | Why::Failed(_) => Err(ExtractError::new::<Self>("no reason is known")),
        }
    }
}

impl Extract<OnDisconnect> for Description {
    fn extract(call: &mut Call<'_>) -> Result<Self, ExtractError> {
        match call.why {
            Why::Left(_, description) => Ok(Description(description.map(str::to_owned))),
            Why::Nothing | Why::Failed(_) => Ok(Description(None)),
        }
    }
}

impl Extract<OnConnectError> for ConnectError {
    fn extract(call: &mut Call<'_>) -> Result<Self, ExtractError> {
        match call.why {
            Why::Failed(error) => Ok(error.clone()),
            Why::Nothing | Why::Left(..) => Err(ExtractError::new::<Self>("no error is known")),
        }
    }
}
