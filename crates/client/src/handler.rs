//! How a closure becomes a handler: its arguments are extractors, its return value is the answer.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use ::handler::{ExtractError, Need, Place, Verdict};
use engine_client::ROOM;
use futures_util::FutureExt;

use crate::ack::Question;
use crate::extract::{Call, Extract};

/// A handler on its way. Its verdict is the answer, or what it failed with: for the answer, and for the log.
pub(crate) type Running = Pin<Box<dyn Future<Output = Verdict> + Send>>;

/// Something that can be registered with [`on`](crate::Socket::on) and its like.
///
/// Implemented for functions and closures that are `Send + Sync + 'static`, take up to eight
/// [extractors](Extract), and return a future: an `async fn`, an async closure that captures
/// nothing, or a `move` closure that returns an `async move` block. (An async closure that uses a
/// capture is no handler on stable Rust: clone the capture into an `async move` block, or ask for
/// [`State`](crate::State).) A handler of the server is one here too, and the other way round, as long as it asks for what both
/// have: only its `use` line says where it belongs.
///
/// The future's value answers the server: `()` with no argument, a tuple with several,
/// anything else that is `Serialize` with one, [`Args`](crate::Args) with what they hold; a
/// `Result` with its value, or with `{"error":{"message":…}}`.
///
/// ```
/// # let client = sockeye_client::Client::builder("http://localhost:3000").build()?;
/// use sockeye_client::{Data, Result, Socket};
///
/// async fn rename(socket: Socket, Data(name): Data<String>) -> Result<usize> {
///     println!("in {} we are {name} now", socket.namespace());
///     Ok(name.len())
/// }
///
/// let prefix = String::from("> ");
/// client.socket().on("rename", rename).on("quote", move |Data(line): Data<String>| {
///     let prefix = prefix.clone();
///     async move { prefix + &line }
/// });
/// # Ok::<(), sockeye_client::BuildError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "this cannot be a handler",
    label = "not a handler",
    note = "a handler is an `async fn`, an async closure that captures nothing, or `move |..| {{ let x = x.clone(); async move {{ .. }} }}`",
    note = "it takes up to eight extractors, none of them borrowed: Socket, Client, State<T>; of an event Data<T>, Args, AckSender, Event; on disconnect Reason, Description; on a connect error ConnectError",
    note = "the `T` of `Data<T>` owns what it holds and is `Deserialize`; the future is `Send`",
    note = "it returns `()`, something that is `Serialize`, `Args`, or a `Result` of these: `sockeye_client::Result<T>` takes any error by `?`"
)]
pub trait Handler<On, Marker>: Send + Sync + 'static {
    /// Extracts the arguments and makes the future; nothing of the handler has run yet.
    #[doc(hidden)]
    fn start(&self, call: &mut Call<'_>) -> Result<Running, ExtractError>;

    #[doc(hidden)]
    fn needs(needs: &mut Vec<Need>);
}

/// Where an answer goes.
fn borrowed(question: Option<&Arc<Question>>) -> Option<Place<'_>> {
    question.map(|question| Place {
        namespace: question.namespace(),
        id: question.id(),
        room: ROOM,
    })
}

::handler::handlers!();

/// [`Handler::start`] of a handler without its type.
type Start = dyn Fn(&mut Call<'_>) -> Result<Running, ExtractError> + Send + Sync;

/// A handler without its type, and what is known of it.
pub(crate) struct Entry {
    /// What logs call it: `on_connect` and the like; empty for an event's, which is called by the event.
    pub(crate) label: &'static str,
    /// Whether it hears one event only.
    pub(crate) once: bool,
    start: Box<Start>,
}

impl Entry {
    pub(crate) fn new<On: 'static, M: 'static, H: Handler<On, M>>(
        label: &'static str,
        handler: H,
    ) -> Arc<Self> {
        Self::make(label, false, handler)
    }

    /// For one event only.
    pub(crate) fn once<On: 'static, M: 'static, H: Handler<On, M>>(handler: H) -> Arc<Self> {
        Self::make("", true, handler)
    }

    fn make<On: 'static, M: 'static, H: Handler<On, M>>(
        label: &'static str,
        once: bool,
        handler: H,
    ) -> Arc<Self> {
        let start = Box::new(move |call: &mut Call<'_>| handler.start(call));
        Arc::new(Entry { label, once, start })
    }

    pub(crate) fn start(&self, call: &mut Call<'_>) -> Result<Running, ExtractError> {
        (self.start)(call)
    }
}
