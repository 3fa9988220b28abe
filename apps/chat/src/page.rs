//! The page and what belongs to it, embedded into the program: a service for whatever is not Socket.IO.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::Full;
use tower_service::Service;

/// Serves the page. To be put under the Socket.IO layer.
///
/// ```
/// use http::{Request, StatusCode};
///
/// let answer = sockeye_chat::Page.answer(&Request::get("/").body(())?);
/// assert_eq!(answer.status(), StatusCode::OK);
/// assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Page;

/// A file of the page. Its tag is a quoted hash of its content.
struct Asset {
    path: &'static str,
    tag: &'static str,
    content: &'static [u8],
}

impl Page {
    /// The answer to a request, whatever its body.
    pub fn answer<B>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut answer =
                words(StatusCode::METHOD_NOT_ALLOWED, "The page can only be read: use GET.\n");
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return answer;
        }
        let path = match request.uri().path() {
            "/" => "/index.html",
            path => path,
        };
        match ASSETS.iter().find(|asset| asset.path == path) {
            Some(asset) if asset.is_known_to(request.headers()) => asset.unchanged(),
            Some(asset) => asset.whole(),
            None => words(StatusCode::NOT_FOUND, "There is nothing here. The chat is at /.\n"),
        }
    }
}

impl<B> Service<Request<B>> for Page {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        ready(Ok(self.answer(&request)))
    }
}

impl Asset {
    fn whole(&self) -> Response<Full<Bytes>> {
        let mut answer = Response::new(Full::new(Bytes::from_static(self.content)));
        self.describe(answer.headers_mut());
        answer
    }

    fn unchanged(&self) -> Response<Full<Bytes>> {
        let mut answer = Response::new(Full::default());
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
        self.describe(answer.headers_mut());
        answer
    }

    fn is_known_to(&self, headers: &HeaderMap) -> bool {
        let known = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
        known.is_some_and(|tags| {
            tags.split(',').any(|tag| tag.trim().trim_start_matches("W/") == self.tag)
        })
    }

    fn describe(&self, headers: &mut HeaderMap) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type(self.path)));
        headers.insert(ETAG, HeaderValue::from_static(self.tag));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching(self.path)));
        protect(headers);
    }
}

/// The bundler puts a hash of the content into the names below `/assets/`: they never change.
fn caching(path: &str) -> &'static str {
    if path.starts_with("/assets/") { "public, max-age=31536000, immutable" } else { "no-cache" }
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    }
}

fn words(status: StatusCode, words: &'static str) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(Bytes::from_static(words.as_bytes())));
    *answer.status_mut() = status;
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    protect(answer.headers_mut());
    answer
}

/// The page loads nothing from elsewhere, runs no script written into it, and stands in nobody's frame. Should a
/// message ever slip in as markup, it could still do nothing.
fn protect(headers: &mut HeaderMap) {
    const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                          base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
}

static ASSETS: &[Asset] = &include!(concat!(env!("OUT_DIR"), "/assets.rs"));
