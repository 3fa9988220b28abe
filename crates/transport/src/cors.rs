//! What a browser is told about pages of other origins (CORS), beside whether they may connect.

use std::time::Duration;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};

/// What pages of other origins may do and see. Whether they may connect at all is
/// [`Origins`](crate::Origins)' to say, and only those that may are told any of this.
///
/// ```
/// use std::time::Duration;
/// use http::{HeaderName, Method};
/// use sockeye_transport::Cors;
///
/// let cors = Cors::default()
///     .methods([Method::GET, Method::POST])
///     .allowed_headers([HeaderName::from_static("x-token")])
///     .max_age(Duration::from_mins(10));
/// ```
#[derive(Clone, Debug)]
pub struct Cors {
    methods: HeaderValue,
    /// `None` allows what is asked for.
    allowed_headers: Option<HeaderValue>,
    exposed_headers: Option<HeaderValue>,
    max_age: Option<Duration>,
    preflight_continue: bool,
    preflight_status: StatusCode,
}

impl Default for Cors {
    fn default() -> Self {
        Cors {
            methods: HeaderValue::from_static("GET,HEAD,PUT,PATCH,POST,DELETE"),
            allowed_headers: None,
            exposed_headers: None,
            max_age: None,
            preflight_continue: false,
            preflight_status: StatusCode::NO_CONTENT,
        }
    }
}

impl Cors {
    /// `Access-Control-Allow-Methods`. Default `GET,HEAD,PUT,PATCH,POST,DELETE`.
    #[must_use]
    pub fn methods(mut self, methods: impl IntoIterator<Item = Method>) -> Self {
        self.methods = list(methods);
        self
    }

    /// `Access-Control-Allow-Headers`: what a page may send. Default: what its browser asks for.
    #[must_use]
    pub fn allowed_headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.allowed_headers = Some(list(names));
        self
    }

    /// `Access-Control-Expose-Headers`: what a page may read of an answer. Default: nothing more than
    /// browsers show anyway.
    #[must_use]
    pub fn exposed_headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.exposed_headers = Some(list(names));
        self
    }

    /// `Access-Control-Max-Age`, in whole seconds: how long a browser asks no more. Default: the browser's.
    #[must_use]
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// Whether an `OPTIONS` request is not answered here, but left to the service that the server is laid
    /// around. Where there is none it is refused like any request that is no handshake. Default: no.
    #[must_use]
    pub fn preflight_continue(mut self, left: bool) -> Self {
        self.preflight_continue = left;
        self
    }

    /// The status of the answer to a preflight. Default 204; some old browsers want 200.
    #[must_use]
    pub fn preflight_status(mut self, status: StatusCode) -> Self {
        self.preflight_status = status;
        self
    }

    /// Why no browser would be content, if that is so.
    pub fn problem(&self) -> Option<&'static str> {
        let fine = self.preflight_status.is_success();
        (!fine).then_some("a preflight is answered with a status of success")
    }

    /// Whether a request of this method is somebody else's to answer.
    pub(crate) fn leaves(&self, method: &Method) -> bool {
        self.preflight_continue && method == Method::OPTIONS
    }

    /// The status of the answer to a preflight.
    pub fn status(&self) -> StatusCode {
        self.preflight_status
    }

    /// Adds what is said with every answer.
    pub(crate) fn mark(&self, headers: &mut HeaderMap) {
        add(headers, header::ACCESS_CONTROL_EXPOSE_HEADERS, self.exposed_headers.as_ref());
    }

    /// Adds what a preflight asks for.
    pub(crate) fn mark_preflight(&self, asked: &HeaderMap, headers: &mut HeaderMap) {
        add(headers, header::ACCESS_CONTROL_ALLOW_METHODS, Some(&self.methods));
        let names = self.allowed_headers.as_ref();
        if names.is_none() {
            headers
                .append(header::VARY, HeaderValue::from_static("Access-Control-Request-Headers"));
        }
        let names = names.or_else(|| asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS));
        add(headers, header::ACCESS_CONTROL_ALLOW_HEADERS, names);
        let age = self.max_age.map(|age| HeaderValue::from(age.as_secs()));
        add(headers, header::ACCESS_CONTROL_MAX_AGE, age.as_ref());
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
}

/// An empty list is no header.
fn add(headers: &mut HeaderMap, name: HeaderName, value: Option<&HeaderValue>) {
    if let Some(value) = value.filter(|value| !value.is_empty()) {
        headers.insert(name, value.clone());
    }
}

fn list<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> HeaderValue {
    let names: Vec<T> = names.into_iter().collect();
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    HeaderValue::try_from(names.join(",")).expect("tokens and commas are a header value")
}
