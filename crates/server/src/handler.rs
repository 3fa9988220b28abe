//! How a closure becomes a handler: its arguments are extractors, its return value is the answer.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use ::handler::{ExtractError, Need, Place, Verdict};
use futures_util::FutureExt;
use transport::ROOM;

use crate::Namespace;
use crate::extract::{Call, Extract};

/// A handler on its way. Its verdict is the answer, or what it failed with: for the answer, the log,
/// a `CONNECT_ERROR`, or a DISCONNECT.
pub(crate) type Running = Pin<Box<dyn Future<Output = Verdict> + Send>>;

/// Something that can be registered with [`on`](crate::Namespace::on) and its like.
///
/// Implemented for functions and closures that are `Send + Sync + 'static`, take up to eight
/// [extractors](Extract), and return a future: an `async fn`, an async closure that captures
/// nothing, or a `move` closure that returns an `async move` block. (An async closure that uses a
/// capture is no handler on stable Rust: clone the capture into an `async move` block, or ask for
/// [`State`](crate::State).)
///
/// What a closure does outside of its async block happens when its arguments are extracted: in
/// `on_connect`, before the CONNECT is answered.
///
/// The future's value answers the acknowledgement: `()` with no argument, a tuple with several,
/// anything else that is `Serialize` with one, [`Args`](crate::Args) with what they hold; a
/// `Result` with its value, or with `{"error":{"message":…}}`.
///
/// ```
/// # let io = sockeye::Io::builder().build()?;
/// use sockeye::{Data, Result, Socket};
///
/// async fn rename(socket: Socket, Data(name): Data<String>) -> Result<usize> {
///     socket.data().set(&name)?;
///     Ok(name.len())
/// }
///
/// let prefix = String::from("> ");
/// io.of("/").on("rename", rename).on("quote", move |Data(line): Data<String>| {
///     let prefix = prefix.clone();
///     async move { prefix + &line }
/// });
/// # Ok::<(), sockeye::BuildError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "this cannot be a handler",
    label = "not a handler",
    note = "a handler is an `async fn`, an async closure that captures nothing, or `move |..| {{ let x = x.clone(); async move {{ .. }} }}`",
    note = "it takes up to eight extractors (Socket, Data<T>, Args, AckSender, State<T>, Auth<T>, Io, ..), none of them borrowed, and its future is `Send`",
    note = "it returns `()`, something that is `Serialize`, `Args`, or a `Result` of these: `sockeye::Result<T>` takes any error by `?`"
)]
pub trait Handler<On, Marker>: Send + Sync + 'static {
    /// Extracts the arguments and makes the future; nothing of the handler has run yet.
    #[doc(hidden)]
    fn start(&self, call: &mut Call<'_>) -> Result<Running, ExtractError>;

    #[doc(hidden)]
    fn needs(needs: &mut Vec<Need>);
}

/// Where an answer goes.
fn borrowed(place: Option<&(Namespace, u64)>) -> Option<Place<'_>> {
    place.map(|(namespace, id)| Place { namespace: namespace.name(), id: *id, room: ROOM })
}

::handler::handlers!();

/// The label of the handlers that hear every event.
pub(crate) const ON_ANY: &str = "on_any";

/// The label of those that hear what is sent.
pub(crate) const ON_ANY_OUTGOING: &str = "on_any_outgoing";

/// [`Handler::start`] of a handler without its type.
type Start = dyn Fn(&mut Call<'_>) -> Result<Running, ExtractError> + Send + Sync;

/// A handler without its type, and what is known of it.
pub(crate) struct Entry {
    /// What logs and errors call it: the event, or `on_connect` and the like.
    pub(crate) label: Box<str>,
    /// Whether it takes events of any name: then the label says nothing of the event.
    pub(crate) takes_any: bool,
    /// Whether it hears one event only.
    pub(crate) once: bool,
    pub(crate) needs: Vec<Need>,
    start: Box<Start>,
}

impl Entry {
    pub(crate) fn new<On: 'static, M: 'static, H: Handler<On, M>>(
        label: String,
        handler: H,
    ) -> Arc<Self> {
        Arc::new(Self::plain(label, handler))
    }

    /// For one event only.
    pub(crate) fn once<On: 'static, M: 'static, H: Handler<On, M>>(
        label: String,
        handler: H,
    ) -> Arc<Self> {
        Arc::new(Entry { once: true, ..Self::plain(label, handler) })
    }

    fn plain<On: 'static, M: 'static, H: Handler<On, M>>(label: String, handler: H) -> Self {
        let mut needs = Vec::new();
        H::needs(&mut needs);
        let start = Box::new(move |call: &mut Call<'_>| handler.start(call));
        let takes_any = [ON_ANY, ON_ANY_OUTGOING].contains(&&*label);
        Entry { label: label.into_boxed_str(), takes_any, once: false, needs, start }
    }

    pub(crate) fn start(&self, call: &mut Call<'_>) -> Result<Running, ExtractError> {
        (self.start)(call)
    }
}
