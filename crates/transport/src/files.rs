//! Files beside the sessions: held in memory under fixed names, so that no request can reach another.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use tokio::sync::OnceCell;

use crate::answer::empty;
use crate::coding::Coding;
use crate::{Body, Config};

/// Files that a [`Server`](crate::Server) answers with under its path, each by its name alone. Cloning counts a
/// reference.
///
/// Each is kept as it is, and packed once for each content coding that a client has asked for.
///
/// ```
/// use sockeye_transport::{Config, File, Files};
///
/// let hello = File::new("hello.js", "application/javascript", "alert('hello')");
/// let files = Files::new("1.2.3", [hello]).expect("a version without quotes");
/// let config = Config { files: Some(files), ..Config::default() };
/// ```
#[derive(Clone, Debug)]
pub struct Files(Arc<Shelf>);

#[derive(Debug)]
struct Shelf {
    /// The version of all of them (RFC 9110, 8.8.3).
    etag: HeaderValue,
    files: Vec<File>,
}

/// One of [`Files`].
#[derive(Debug)]
pub struct File {
    name: &'static str,
    kind: &'static str,
    plain: Bytes,
    packed: [OnceCell<Bytes>; Coding::ALL.len()],
}

impl File {
    /// A file of this name and media type.
    pub fn new(name: &'static str, kind: &'static str, content: impl Into<Bytes>) -> Self {
        let packed = [const { OnceCell::const_new() }; Coding::ALL.len()];
        File { name, kind, plain: content.into(), packed }
    }

    /// The content in the coding that the client likes best. Packed off the threads that serve, by whoever asks first;
    /// others who ask meanwhile wait for it.
    async fn packed(&self, headers: &HeaderMap) -> Option<(Coding, Bytes)> {
        let coding = Coding::accepted(headers)?;
        let pack = || async {
            let plain = self.plain.clone();
            let packed = tokio::task::spawn_blocking(move || coding.pack(&plain)).await;
            packed.map_err(|_| ())?.map(Bytes::from).map_err(|_| ())
        };
        let bytes = self.packed[coding as usize].get_or_try_init(pack).await.ok()?;
        Some((coding, bytes.clone()))
    }

    async fn response(&self, headers: &HeaderMap) -> Response<Body> {
        let (coding, bytes) = match self.packed(headers).await {
            Some((coding, bytes)) => (Some(coding), bytes),
            None => (None, self.plain.clone()),
        };
        let length = HeaderValue::from(bytes.len());
        let mut response = Response::new(Body::new(bytes));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.kind));
        headers.insert(header::CONTENT_LENGTH, length);
        if let Some(coding) = coding {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
        }
        response
    }
}

/// The answer to a request for one of the files, if it is for one.
pub(crate) async fn answer(config: &Config, parts: &Parts) -> Option<Response<Body>> {
    let files = config.files.as_ref()?;
    let file = files.find(parts.uri.path().strip_prefix(&config.path)?)?;
    // Boxed: a poll that is held has no room for it.
    Some(Box::pin(files.answer(file, &parts.method, &parts.headers)).await)
}

impl Files {
    /// These files, all of one version, which is their `ETag`. `None` if the version holds what no `ETag` may: quotes,
    /// blanks, anything that is not ASCII.
    pub fn new(version: &str, files: impl IntoIterator<Item = File>) -> Option<Self> {
        let fits = version.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
        let etag = fits.then(|| HeaderValue::from_str(&format!("\"{version}\"")).ok())??;
        Some(Files(Arc::new(Shelf { etag, files: files.into_iter().collect() })))
    }

    /// The file that stands at this place behind the server's path.
    fn find(&self, rest: &str) -> Option<&File> {
        let name = rest.strip_prefix('/').unwrap_or(rest);
        self.0.files.iter().find(|file| file.name == name)
    }

    /// Answers a request for one of them.
    async fn answer(&self, file: &File, method: &Method, headers: &HeaderMap) -> Response<Body> {
        let mut response = match *method {
            Method::GET | Method::HEAD if self.is_known(headers) => empty(StatusCode::NOT_MODIFIED),
            Method::GET => file.response(headers).await,
            // Its length has been said, and stays.
            Method::HEAD => file.response(headers).await.map(|_| Body::default()),
            _ => return wrong_method(),
        };
        let headers = response.headers_mut();
        headers.insert(header::ETAG, self.0.etag.clone());
        let control = HeaderValue::from_static("public, max-age=0");
        headers.insert(header::CACHE_CONTROL, control);
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        response
    }

    /// Whether the client has this version (RFC 9110, 13.1.2): a weak tag is as good as a strong one.
    fn is_known(&self, headers: &HeaderMap) -> bool {
        let values = headers.get_all(header::IF_NONE_MATCH).iter();
        let tags = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
        tags.map(<[u8]>::trim_ascii).any(|tag| {
            tag == b"*" || tag.strip_prefix(b"W/").unwrap_or(tag) == self.0.etag.as_bytes()
        })
    }
}

fn wrong_method() -> Response<Body> {
    let mut response = empty(StatusCode::METHOD_NOT_ALLOWED);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}
