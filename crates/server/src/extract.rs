//! Extractors: from what happened to the arguments of a handler.
//!
//! Extraction is synchronous and ends before the handler's future is made: what an extractor
//! borrows is gone by then, so whatever it hands out is owned.

use std::any::{TypeId, type_name};
use std::fmt;

use ::handler::Need;
use serde::de::DeserializeOwned;
use socket_proto::{Args as RawArgs, DecodeError};

use crate::ack::{AckSender, Owed};
use crate::connection;
use crate::{Args, DisconnectReason, Io, Namespace, Socket};

use ::handler::{Data, Description, Event, ExtractError, State};

/// In `on_connect` and in middleware.
#[derive(Debug)]
pub enum OnConnect {}

/// In `on` and `on_any`.
#[derive(Debug)]
pub enum OnEvent {}

/// In `on_disconnecting` and `on_disconnect`.
#[derive(Debug)]
pub enum OnDisconnect {}

/// Something a handler can ask for, by taking it as an argument. `On` says in which kind of
/// handler: [`OnConnect`], [`OnEvent`] or [`OnDisconnect`].
///
/// | extractor                 | gives                                          | where               |
/// |---------------------------|------------------------------------------------|---------------------|
/// | [`Socket`]                | the socket                                     | everywhere          |
/// | [`Io`], [`Namespace`]     | the server, the socket's namespace             | everywhere          |
/// | [`State<T>`]              | a clone of what `Io::builder().state(..)` got  | everywhere          |
/// | [`Auth<T>`]               | what the client sent with its CONNECT          | everywhere          |
/// | [`Data<T>`]               | the first argument; the first n, as a tuple    | events              |
/// | [`Args`]                  | all arguments, raw                             | events              |
/// | [`AckSender`]             | the acknowledgement, to be answered by hand    | events              |
/// | [`Event`]                 | the event's name                               | events              |
/// | [`Reason`], [`Description`] | why the socket left                          | on disconnecting/-ed |
///
/// `Option<Auth<T>>` is `None` for a client that sent none.
///
/// A type of your own can be an extractor:
///
/// ```
/// use sockeye::{Call, Extract, ExtractError, Io};
///
/// struct Language(String);
///
/// impl<On> Extract<On> for Language {
///     fn extract(call: &mut Call<'_>) -> Result<Self, ExtractError> {
///         let header = call.socket().handshake().header("accept-language").unwrap_or("en").to_owned();
///         Ok(Language(header))
///     }
/// }
///
/// let io = Io::builder().build()?;
/// io.of("/").on("greet", async |Language(name): Language| format!("hello in {name}"));
/// # Ok::<(), sockeye::BuildError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of this handler",
    label = "not an extractor here",
    note = "extractors are Socket, Io, Namespace, State<T>, Auth<T> everywhere; Data<T>, Args, AckSender, Event for events; Reason, Description when a socket leaves",
    note = "`Data<T>` and `Auth<T>` need a `T` that owns its data and has `#[derive(serde::Deserialize)]`; `State<T>` needs `T: Clone`"
)]
pub trait Extract<On>: Sized + Send + 'static {
    /// Takes the argument out of the call.
    ///
    /// # Errors
    ///
    /// Words for the client: the handler is not called then.
    fn extract(call: &mut Call<'_>) -> Result<Self, ExtractError>;

    /// Notes what must be there before the first client comes. Most need nothing.
    #[doc(hidden)]
    fn needs(_needs: &mut Vec<Need>) {}
}

/// What a handler is being called for.
pub struct Call<'a> {
    pub(crate) socket: &'a Socket,
    pub(crate) event: &'a str,
    pub(crate) args: RawArgs<'a>,
    pub(crate) owed: Owed,
    pub(crate) reason: Option<DisconnectReason>,
}

impl<'a> Call<'a> {
    /// A call without arguments: a socket comes.
    pub(crate) fn bare(socket: &'a Socket) -> Self {
        Call { socket, event: "", args: RawArgs::default(), owed: Owed::Nothing, reason: None }
    }

    /// An event has come.
    pub(crate) fn of(socket: &'a Socket, event: connection::Event<'a>, owed: Owed) -> Self {
        Call { event: event.name, args: event.args, owed, ..Call::bare(socket) }
    }

    /// A socket goes.
    pub(crate) fn leaving(socket: &'a Socket, reason: DisconnectReason) -> Self {
        Call { reason: Some(reason), ..Call::bare(socket) }
    }

    /// Where the handler's value goes, if somebody waits for it.
    pub(crate) fn place(&self) -> Option<(Namespace, u64)> {
        self.owed.place(self.socket)
    }

    /// The socket it happens to.
    pub fn socket(&self) -> &Socket {
        self.socket
    }

    /// The event's name; empty if it is none.
    pub fn event(&self) -> &str {
        self.event
    }

    /// The event's arguments, read as [`Data`] would.
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

/// What the client sent with its CONNECT (`auth` of the official client).
///
/// ```
/// # let io = sockeye::Io::builder().build()?;
/// use serde::Deserialize;
/// use sockeye::{Auth, Error, Result, Socket};
///
/// #[derive(Deserialize)]
/// struct Token { token: String }
///
/// io.of("/").middleware(async |Auth(auth): Auth<Token>| -> Result<()> {
///     if auth.token == "secret" { Ok(()) } else { Err(Error::new("not authorized")) }
/// });
/// # Ok::<(), sockeye::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Auth<T>(pub T);

/// Why the socket left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason(pub DisconnectReason);

impl<On> Extract<On> for Socket {
    fn extract(call: &mut Call<'_>) -> Result<Self, ExtractError> {
        Ok(call.socket.clone())
    }
}

impl<On> Extract<On> for Namespace {
    fn extract(call: &mut Call<'_>) -> Result<Self, ExtractError> {
        Ok(call.socket.namespace().clone())
    }
}

impl<On> Extract<On> for Io {
    fn extract(call: &mut Call<'_>) -> Result<Self, ExtractError> {
        let io = call.socket.namespace().io();
        io.ok_or_else(|| ExtractError::new::<Io>("the server is gone"))
    }
}

impl<On, T: Clone + Send + Sync + 'static> Extract<On> for State<T> {
    fn extract(call: &mut Call<'_>) -> Result<Self, ExtractError> {
        let state = call.socket.namespace().core().state.get::<T>();
        // Only a handler that was added after the layer was made, or to a socket, can get here.
        let missing = || {
            let name = type_name::<T>();
            ExtractError::new::<Self>(format_args!("the server has no `State<{name}>`"))
        };
        state.cloned().map(State).ok_or_else(missing)
    }

    fn needs(needs: &mut Vec<Need>) {
        needs.push(Need { id: TypeId::of::<T>(), name: type_name::<T>() });
    }
}

impl<On, T: DeserializeOwned + Send + 'static> Extract<On> for Auth<T> {
    fn extract(call: &mut Call<'_>) -> Result<Self, ExtractError> {
        let auth = call.socket.handshake().auth();
        auth.map(Auth).map_err(|error| ExtractError::new::<Self>(format_args!("auth: {error}")))
    }
}

impl<On, T: DeserializeOwned + Send + 'static> Extract<On> for Option<Auth<T>> {
    fn extract(call: &mut Call<'_>) -> Result<Self, ExtractError> {
        match call.socket.handshake().auth_json() {
            Some(_) => <Auth<T> as Extract<On>>::extract(call).map(Some),
            None => Ok(None),
        }
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
        Ok(call.owed.hand_over(call.socket))
    }
}

impl Extract<OnDisconnect> for Reason {
    fn extract(call: &mut Call<'_>) -> Result<Self, ExtractError> {
        call.reason.map(Reason).ok_or_else(|| ExtractError::new::<Self>("no reason is known"))
    }
}

impl Extract<OnDisconnect> for Description {
    fn extract(call: &mut Call<'_>) -> Result<Self, ExtractError> {
        Ok(Description(call.socket.disconnect_description()))
    }
}
