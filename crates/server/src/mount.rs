//! How requests reach a server: a layer around something else, a service alone, or a listener of
//! its own.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
#[cfg(unix)]
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::TryFutureExt;
use futures_util::future::{Either, MapOk};
use http::{Extensions, Request, Response, StatusCode};
use http_body_util::Either as EitherBody;
use hyper::body::Incoming;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, ToSocketAddrs};
use transport::listener::{self, Listener};
#[cfg(unix)]
use transport::listener::{Bound, SocketFile};
use transport::{Application, Body as OwnBody, Config};

use crate::error::ServeError;
use crate::{Io, engine};

/// What a mounted server answers with: its own body, or that of what it is laid around.
pub type Body<B> = EitherBody<OwnBody, B>;

/// Whom the requests under the path are for.
#[derive(Clone)]
pub(crate) enum Door {
    Io(Io),
    Engine(engine::Server),
}

impl Door {
    fn handles(&self, path: &str) -> bool {
        match self {
            Door::Io(io) => io.server().handles(path),
            Door::Engine(server) => server.server().handles(path),
        }
    }

    /// Whether a request is answered here though somebody else is there.
    fn takes<B>(&self, request: &Request<B>) -> bool {
        let left = match self {
            Door::Io(io) => io.server().leaves(request.method()),
            Door::Engine(server) => server.server().leaves(request.method()),
        };
        !left && self.handles(request.uri().path())
    }

    async fn respond<B>(self, request: Request<B>, remote: Option<SocketAddr>) -> Response<OwnBody>
    where
        B: http_body::Body + Send,
        B::Data: Send,
        B::Error: fmt::Display,
    {
        match self {
            Door::Io(io) => io.server().respond(request, remote).await,
            Door::Engine(server) => server.server().respond(request, remote).await,
        }
    }
}

/// Finds the peer's address among a request's extensions.
type RemoteOf = Arc<dyn Fn(&Extensions) -> Option<SocketAddr> + Send + Sync>;

/// A door, and how it learns who knocks.
#[derive(Clone)]
struct Entrance {
    door: Door,
    remote_of: Option<RemoteOf>,
}

impl Entrance {
    fn remote(&self, extensions: &Extensions) -> Option<SocketAddr> {
        match &self.remote_of {
            Some(remote_of) => remote_of(extensions),
            None => extensions.get::<SocketAddr>().copied(),
        }
    }
}

/// A tower layer: made by [`Io::layer`], it answers the requests under the server's path and leaves
/// all others to the service it is laid around.
///
/// The request has to come as hyper made it, since the upgrade to WebSocket travels in its
/// extensions. Middleware that is laid around this layer sees polls, POSTs and upgrades alike.
///
/// ```
/// use std::net::SocketAddr;
/// use axum::Router;
/// use axum::extract::ConnectInfo;
/// use sockeye::Io;
///
/// let io = Io::builder().build()?;
/// let layer = io.layer()?.remote_addr(|extensions| {
///     extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0)
/// });
/// let app: Router = Router::new().layer(layer);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Layer(Entrance);

impl Layer {
    pub(crate) fn new(door: Door) -> Self {
        Layer(Entrance { door, remote_of: None })
    }

    /// How the peer's address is found in a request's extensions. Without it, a plain `SocketAddr`
    /// is looked for.
    #[must_use]
    pub fn remote_addr(
        mut self,
        find: impl Fn(&Extensions) -> Option<SocketAddr> + Send + Sync + 'static,
    ) -> Self {
        self.0.remote_of = Some(Arc::new(find));
        self
    }
}

impl<S> tower_layer::Layer<S> for Layer {
    type Service = Layered<S>;

    fn layer(&self, inner: S) -> Layered<S> {
        Layered { entrance: self.0.clone(), inner }
    }
}

/// What a [`Layer`] makes of a service.
#[derive(Clone)]
pub struct Layered<S> {
    entrance: Entrance,
    inner: S,
}

type Answer<B, E> = Pin<Box<dyn Future<Output = Result<Response<Body<B>>, E>> + Send>>;
type Wrap<B> = fn(Response<B>) -> Response<Body<B>>;

impl<S, I, O> tower_service::Service<Request<I>> for Layered<S>
where
    S: tower_service::Service<Request<I>, Response = Response<O>>,
    I: http_body::Body + Send + 'static,
    I::Data: Send,
    I::Error: fmt::Display,
{
    type Response = Response<Body<O>>;
    type Error = S::Error;
    type Future = Either<Answer<O, S::Error>, MapOk<S::Future, Wrap<O>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<I>) -> Self::Future {
        if !self.entrance.door.takes(&request) {
            let wrap: Wrap<O> = |response| response.map(EitherBody::Right);
            return Either::Right(self.inner.call(request).map_ok(wrap));
        }
        let remote = self.entrance.remote(request.extensions());
        let door = self.entrance.door.clone();
        Either::Left(Box::pin(async move {
            Ok(door.respond(request, remote).await.map(EitherBody::Left))
        }))
    }
}

/// A service: made by [`Io::service`], it answers the requests under the server's path, and all
/// others with 404. It is a `tower` service and a `hyper` service.
///
/// ```no_run
/// use hyper::server::conn::http1;
/// use hyper_util::rt::TokioIo;
/// use sockeye::Io;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let io = Io::builder().build()?;
/// let service = io.service()?;
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
/// loop {
///     let (stream, remote) = listener.accept().await?;
///     let service = service.clone().remote_addr(move |_| Some(remote));
///     let connection = http1::Builder::new()
///         .serve_connection(TokioIo::new(stream), service)
///         .with_upgrades(); // WebSocket
///     tokio::spawn(connection);
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct Service(Entrance);

impl Service {
    pub(crate) fn new(door: Door) -> Self {
        Service(Entrance { door, remote_of: None })
    }

    /// How the peer's address is found in a request's extensions. Without it, a plain `SocketAddr`
    /// is looked for.
    #[must_use]
    pub fn remote_addr(
        mut self,
        find: impl Fn(&Extensions) -> Option<SocketAddr> + Send + Sync + 'static,
    ) -> Self {
        self.0.remote_of = Some(Arc::new(find));
        self
    }

    fn answer<I>(&self, request: Request<I>) -> Pin<Box<Answered>>
    where
        I: http_body::Body + Send + 'static,
        I::Data: Send,
        I::Error: fmt::Display,
    {
        let remote = self.0.remote(request.extensions());
        let door = self.0.door.clone();
        Box::pin(async move {
            if door.handles(request.uri().path()) {
                Ok(door.respond(request, remote).await)
            } else {
                Ok(not_found())
            }
        })
    }
}

type Answered = dyn Future<Output = Result<Response<OwnBody>, Infallible>> + Send;

impl<I> tower_service::Service<Request<I>> for Service
where
    I: http_body::Body + Send + 'static,
    I::Data: Send,
    I::Error: fmt::Display,
{
    type Response = Response<OwnBody>;
    type Error = Infallible;
    type Future = Pin<Box<Answered>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<I>) -> Self::Future {
        self.answer(request)
    }
}

impl<I> hyper::service::Service<Request<I>> for Service
where
    I: http_body::Body + Send + 'static,
    I::Data: Send,
    I::Error: fmt::Display,
{
    type Response = Response<OwnBody>;
    type Error = Infallible;
    type Future = Pin<Box<Answered>>;

    fn call(&self, request: Request<I>) -> Self::Future {
        self.answer(request)
    }
}

impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layer").finish_non_exhaustive()
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for Layered<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layered").finish_non_exhaustive()
    }
}

/// Binds a Unix socket, whose file goes away with what comes beside it.
#[cfg(unix)]
pub(crate) fn listen_at(path: &Path) -> Result<(Listener, SocketFile), ServeError> {
    let bound = Bound::unix(path).and_then(|(bound, file)| Ok((bound.listen()?, file)));
    bound.map_err(|problem| ServeError::Listen { address: path.display().to_string(), problem })
}

/// Binds an address.
pub(crate) async fn listen(
    address: impl ToSocketAddrs + fmt::Debug,
) -> Result<TcpListener, ServeError> {
    let named = format!("{address:?}").replace('"', "");
    TcpListener::bind(address)
        .await
        .map_err(|problem| ServeError::Listen { address: named, problem })
}

/// Answers everything that comes to a listener, until `stop`.
pub(crate) async fn serve<A: Application>(
    server: transport::Server<A>,
    listener: impl Into<Listener>,
    stop: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let Config { listener: options, workers, .. } = server.config();
    let mut options = options.clone();
    for bound in [&mut options.connections, &mut options.handshakes] {
        *bound = bound.div_ceil(*workers);
    }
    let answer = move |request, remote| answer(server.clone(), request, remote);
    listener::serve(listener, options, answer, stop).await.map_err(ServeError::Accept)
}

/// The same for one stream that somebody else has accepted.
pub(crate) async fn serve_stream<A: Application>(
    server: transport::Server<A>,
    stream: impl AsyncRead + AsyncWrite + Send + 'static,
    remote: Option<SocketAddr>,
    stop: impl Future<Output = ()>,
) {
    let options = server.config().listener.clone();
    let answer = move |request, remote| answer(server.clone(), request, remote);
    listener::serve_stream(stream, remote, options, answer, stop).await;
}

async fn answer<A: Application>(
    server: transport::Server<A>,
    request: Request<Incoming>,
    remote: Option<SocketAddr>,
) -> Response<OwnBody> {
    if server.handles(request.uri().path()) {
        server.respond(request, remote).await
    } else {
        not_found()
    }
}

fn not_found() -> Response<OwnBody> {
    let mut response = Response::new(OwnBody::default());
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}
