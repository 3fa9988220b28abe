//! What a client was told when it was built.

use std::error::Error;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use engine_client::Target;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use handler::Door;
use http::HeaderMap;
use serde::Serialize;
use socket_proto::Limits;

use crate::builder::Handling;
use crate::outbox::Sending;
use crate::{BuildError, ConnectError, Reconnection};

/// The settings of a client, as its task reads them.
pub(crate) struct Config {
    pub(crate) engine: Arc<engine_client::Config>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) parser: Door,
    pub(crate) reconnection: Reconnection,
    pub(crate) connect_timeout: Duration,
    pub(crate) place: Place,
    /// The namespace that stands in the URL.
    pub(crate) namespace: Box<str>,
    /// What may come for a namespace before its CONNECT is answered, in bytes.
    pub(crate) early_bytes: usize,
    pub(crate) auth: Auth,
    pub(crate) url: Option<Ask<String>>,
    pub(crate) headers: Option<Ask<HeaderMap>>,
    pub(crate) sending: Sending,
    pub(crate) handling: Handling,
}

/// What is said beside the URL about where and how a server is to be asked; it counts for URLs that come later, too.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    pub(crate) path: Option<String>,
    pub(crate) query: Vec<(String, String)>,
}

impl Place {
    pub(crate) fn refine(&self, target: Target) -> Target {
        let mut target = match &self.path {
            Some(path) => target.with_path(path),
            None => target,
        };
        target.query.extend_from_slice(&self.query);
        target
    }
}

/// What an application says anew before each attempt.
pub(crate) struct Ask<T>(Arc<dyn Fn() -> BoxFuture<'static, Result<T, Failure>> + Send + Sync>);

type Failure = Box<dyn Error + Send + Sync>;

impl<T> Clone for Ask<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Send + 'static> Ask<T> {
    pub(crate) fn new<F, Fut, V, E>(ask: F, read: fn(V) -> Result<T, Failure>) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<V, E>> + Send + 'static,
        E: Into<Failure>,
        V: 'static,
    {
        Self(Arc::new(move || {
            let answer = ask();
            async move { read(answer.await.map_err(Into::into)?) }.boxed()
        }))
    }

    /// Asks the application, whose code may fail, panic, or take for ever.
    pub(crate) async fn ask(
        self,
        option: &'static str,
        patience: Duration,
    ) -> Result<T, ConnectError> {
        let failed = |problem: String| ConnectError::Option { option, problem: problem.into() };
        let answer = async { (self.0)().await };
        let guarded = AssertUnwindSafe(tokio::time::timeout(patience, answer)).catch_unwind();
        match guarded.await {
            Ok(Ok(Ok(value))) => Ok(value),
            Ok(Ok(Err(problem))) => Err(failed(problem.to_string())),
            Ok(Err(_)) => Err(failed(format!("it took longer than {patience:?}"))),
            Err(_) => Err(failed("it panicked".to_owned())),
        }
    }
}

/// What is sent with CONNECT: JSON text of an object.
#[derive(Clone, Default)]
pub(crate) enum Auth {
    #[default]
    None,
    Fixed(Arc<str>),
    Asked(Ask<Arc<str>>),
}

/// JSON text of an object.
pub(crate) fn object<T: Serialize + ?Sized>(auth: &T) -> Result<Arc<str>, String> {
    let json = serde_json::to_string(auth).map_err(|problem| problem.to_string())?;
    if !json.starts_with('{') {
        return Err(format!("it is `{}`", json.chars().take(40).collect::<String>()));
    }
    Ok(json.into())
}

impl Auth {
    pub(crate) fn fixed<T: Serialize + ?Sized>(auth: &T) -> Result<Self, BuildError> {
        object(auth).map(Auth::Fixed).map_err(BuildError::Auth)
    }

    pub(crate) fn asked<F, Fut, T, E>(auth: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: Serialize + 'static,
        E: Into<Failure>,
    {
        let read =
            |auth: T| object(&auth).map_err(|problem| format!("not an object: {problem}").into());
        Auth::Asked(Ask::new(auth, read))
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("engine", &self.engine)
            .field("reconnection", &self.reconnection)
            .field("connect_timeout", &self.connect_timeout)
            .finish_non_exhaustive()
    }
}
