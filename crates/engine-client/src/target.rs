//! Where the server is: what a user writes, taken apart.
//!
//! A URL is split here by hand, as the JavaScript client does it: its path is a namespace, which may be written in any
//! letters (`http::Uri` takes no `/чат`), and no path is ever resolved against another. What an authority may look like is
//! `http::uri`'s to say. The crate `url` would do both, but brings two dozen crates along, for names of hosts that are not ASCII.

use std::borrow::Cow;
use std::fmt;
use std::net::Ipv6Addr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine_proto::handshake::pairs;
use http::HeaderValue;
use http::uri::Authority;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// A server, and the path on it where Engine.IO is spoken.
///
/// ```
/// use sockeye_engine_client::Target;
///
/// let (target, namespace) = Target::parse("https://example.com/chat?token=a%20b").unwrap();
/// assert!(target.secure);
/// assert_eq!((&*target.host, target.port, &*target.path), ("example.com", 443, "/socket.io/"));
/// assert_eq!(target.query, [("token".to_owned(), "a b".to_owned())]);
/// assert_eq!(namespace, "/chat");
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Target {
    /// Whether TLS is spoken: `https` and `wss`.
    pub secure: bool,
    /// A name or an address; one of IPv6 without brackets.
    pub host: String,
    /// The port of TCP. Default 80, or 443 with TLS.
    pub port: u16,
    /// Where Engine.IO is on that server, as it is sent. Default `/socket.io/`; see [`with_path`](Self::with_path).
    pub path: String,
    /// What every request carries in its query beside Engine.IO's own, not encoded.
    pub query: Vec<(String, String)>,
    /// User name and password of the URL, as a header. It does not show itself in `Debug`.
    authorization: Option<HeaderValue>,
}

/// A URL that leads nowhere, and what is wrong with it.
///
/// ```
/// use sockeye_engine_client::Target;
///
/// let problem = Target::parse("ftp://example.com").unwrap_err();
/// assert_eq!(problem.to_string(), "`ftp://example.com`: the scheme must be http, https, ws or wss, not `ftp`");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlError {
    url: String,
    problem: Cow<'static, str>,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Of the query the names only: its values may be secrets.
        let query: Vec<_> = self.query.iter().map(|(name, _)| name).collect();
        f.debug_struct("Target")
            .field("origin", &self.origin())
            .field("path", &self.path)
            .field("query", &query)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for UrlError {}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.url, self.problem)
    }
}

impl UrlError {
    pub(crate) fn new(url: &str, problem: impl Into<Cow<'static, str>>) -> Self {
        UrlError { url: without_password(url), problem: problem.into() }
    }
}

/// What is wrong, before it is known where it was written.
type Problem = Cow<'static, str>;

impl Target {
    /// Takes a URL apart, and hands back the namespace that its path stands for: `/` if there is none.
    ///
    /// `http` and `ws` are the same here, as are `https` and `wss`; without a scheme it is `http`. User name and password
    /// become the header `Authorization`. What is behind a `#` is not looked at.
    ///
    /// ```
    /// use sockeye_engine_client::Target;
    ///
    /// let (target, namespace) = Target::parse("https://example.com/chat").unwrap();
    /// assert_eq!((namespace.as_str(), target.origin().as_str()), ("/chat", "https://example.com:443"));
    /// ```
    ///
    /// # Errors
    ///
    /// If there is no host, or scheme, host or port are none. The error does not repeat a password.
    pub fn parse(url: &str) -> Result<(Target, String), UrlError> {
        split(url.trim()).map_err(|problem| UrlError::new(url.trim(), problem))
    }

    /// The server on this host. An address of IPv6 may stand in brackets. `None` is the default port.
    ///
    /// ```
    /// use sockeye_engine_client::Target;
    ///
    /// let target = Target::of_host(true, "[::1]", None)?;
    /// assert_eq!((&*target.host, target.port), ("::1", 443));
    /// # Ok::<(), sockeye_engine_client::UrlError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If it is no name or address.
    pub fn of_host(secure: bool, host: &str, port: Option<u16>) -> Result<Target, UrlError> {
        let wrong = |problem| UrlError { url: host.to_owned(), problem };
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let host = if bare.contains(':') { ipv6(bare) } else { name(bare) }.map_err(wrong)?;
        let port = port.unwrap_or(default_port(secure));
        let (path, query) = ("/socket.io/".to_owned(), Vec::new());
        Ok(Target { secure, host, port, path, query, authorization: None })
    }

    /// The same server, with Engine.IO at another path: `/socket.io` becomes `/socket.io/`, as it is sent by default. To
    /// leave that slash out, set [`path`](Self::path) itself.
    ///
    /// ```
    /// use sockeye_engine_client::Target;
    ///
    /// let (target, namespace) = Target::parse("https://woot.com/chat").unwrap();
    /// let target = target.with_path("/behind/a/proxy/socket.io");
    /// assert_eq!((&*target.path, &*namespace), ("/behind/a/proxy/socket.io/", "/chat"));
    /// ```
    #[must_use]
    pub fn with_path(mut self, path: &str) -> Target {
        let path = path.trim_matches('/');
        self.path = if path.is_empty() { "/".to_owned() } else { format!("/{path}/") };
        self
    }

    /// `scheme://host:port`, with the port always there: the same for all URLs of one server.
    ///
    /// ```
    /// use sockeye_engine_client::Target;
    ///
    /// let (target, _) = Target::parse("ws://[::1]/chat").unwrap();
    /// assert_eq!(target.origin(), "http://[::1]:80");
    /// ```
    pub fn origin(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}", self.address())
    }

    /// `host:port`, an address of IPv6 in brackets.
    ///
    /// ```
    /// use sockeye_engine_client::Target;
    ///
    /// assert_eq!(Target::of_host(false, "::1", Some(3000)).unwrap().address(), "[::1]:3000");
    /// ```
    pub fn address(&self) -> String {
        format!("{}:{}", self.bracketed(), self.port)
    }

    /// What the header `Host` says: no port if it is the default one (RFC 9110, 7.2).
    pub(crate) fn host_header(&self) -> String {
        if self.port == default_port(self.secure) {
            return self.bracketed().into_owned();
        }
        self.address()
    }

    pub(crate) fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }

    /// The path and query of a request: what the user wants to be there, then `own`, which wins.
    pub(crate) fn request_uri(&self, own: &[(&str, &str)]) -> String {
        let mut uri: String = utf8_percent_encode(&self.path, PATH).to_string();
        let others = self.query.iter().map(|(name, value)| (&**name, &**value));
        let others = others.filter(|(name, _)| own.iter().all(|(taken, _)| taken != name));
        for (index, (name, value)) in others.chain(own.iter().copied()).enumerate() {
            uri.push(if index == 0 { '?' } else { '&' });
            uri.extend(utf8_percent_encode(name, COMPONENT));
            uri.push('=');
            uri.extend(utf8_percent_encode(value, COMPONENT));
        }
        uri
    }

    fn bracketed(&self) -> Cow<'_, str> {
        if self.host.contains(':') {
            return Cow::Owned(format!("[{}]", self.host));
        }
        Cow::Borrowed(&self.host)
    }
}

/// What `encodeURIComponent` leaves as it is.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// What a path may hold besides (RFC 3986, 3.3); `%` stays, so that one that is encoded already is not encoded again.
const PATH: &AsciiSet = &COMPONENT
    .remove(b'/')
    .remove(b'%')
    .remove(b':')
    .remove(b'@')
    .remove(b'&')
    .remove(b'=')
    .remove(b'+')
    .remove(b'$')
    .remove(b',')
    .remove(b';');

fn default_port(secure: bool) -> u16 {
    if secure { 443 } else { 80 }
}

fn split(url: &str) -> Result<(Target, String), Problem> {
    let (secure, rest) = scheme(url)?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    // Perhaps a password with a slash in it: then nothing of it is to be repeated.
    let is_torn = !authority.contains('@') && authority.contains(':') && rest.contains('@');
    let rest = rest.split('#').next().unwrap_or_default();
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (user, place) = match authority.rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, authority),
    };
    let torn = "a `/`, `?` or `#` in a password is written as `%2F`, `%3F` or `%23`";
    let (host, port) =
        host_and_port(place).map_err(|problem| if is_torn { torn.into() } else { problem })?;
    let mut target =
        Target::of_host(secure, host, port).map_err(|UrlError { problem, .. }| problem)?;
    target.authorization = user.map(basic);
    target.query = pairs(query).map(|(k, v)| (k.into_owned(), v.into_owned())).collect();
    let namespace = if path.is_empty() { "/" } else { path };
    Ok((target, namespace.to_owned()))
}

/// Whether the scheme says TLS, and what is behind it.
fn scheme(url: &str) -> Result<(bool, &str), Problem> {
    let Some((scheme, rest)) =
        url.split_once("://").filter(|(scheme, _)| !scheme.contains(['/', '?']))
    else {
        return match url.strip_prefix("//") {
            Some(rest) => Ok((false, rest)),
            None if url.starts_with('/') => Err("a path alone does not say which server".into()),
            None => Ok((false, url)),
        };
    };
    match &*scheme.to_ascii_lowercase() {
        "http" | "ws" => Ok((false, rest)),
        "https" | "wss" => Ok((true, rest)),
        _ => Err(format!("the scheme must be http, https, ws or wss, not `{scheme}`").into()),
    }
}

fn host_and_port(place: &str) -> Result<(&str, Option<u16>), Problem> {
    let colon = match place.strip_prefix('[').and_then(|rest| rest.find(']')) {
        Some(end) => Some(end + 2).filter(|behind| *behind < place.len()),
        None if place.matches(':').count() > 1 => {
            return Err("an address of IPv6 stands in brackets: `http://[::1]:3000`".into());
        }
        None => place.find(':'),
    };
    let Some(colon) = colon else { return Ok((place, None)) };
    let (host, port) = place.split_at(colon);
    let Some(port) = port.strip_prefix(':') else {
        return Err(format!("behind the brackets comes `:` and a port, not `{port}`").into());
    };
    if port.is_empty() {
        return Ok((host, None));
    }
    match port.parse() {
        Ok(number) if number > 0 && port.bytes().all(|digit| digit.is_ascii_digit()) => {
            Ok((host, Some(number)))
        }
        _ => Err(format!("the port must be a number from 1 to 65535, not `{port}`").into()),
    }
}

fn ipv6(host: &str) -> Result<String, Problem> {
    match host.parse::<Ipv6Addr>() {
        Ok(_) => Ok(host.to_owned()),
        Err(_) => Err(format!("`{host}` is no address of IPv6").into()),
    }
}

fn name(host: &str) -> Result<String, Problem> {
    if host.is_empty() {
        return Err("there is no host".into());
    }
    if !host.is_ascii() {
        return Err(format!("the host `{host}` is not ASCII: write it as its `xn--` form").into());
    }
    let is_name =
        |letter: u8| letter.is_ascii_alphanumeric() || matches!(letter, b'-' | b'_' | b'.');
    if !host.bytes().all(is_name) || host.parse::<Authority>().is_err() {
        return Err(format!("`{host}` is no name of a host").into());
    }
    Ok(host.to_ascii_lowercase())
}

/// `user:password` of a URL as credentials (RFC 7617).
fn basic(user: &str) -> HeaderValue {
    let (user, password) = user.split_once(':').unwrap_or((user, ""));
    let mut plain: Vec<u8> = percent_decode_str(user).collect();
    plain.push(b':');
    plain.extend(percent_decode_str(password));
    let value = format!("Basic {}", STANDARD.encode(plain));
    let mut value = HeaderValue::try_from(value).expect("Base64 is ASCII");
    value.set_sensitive(true);
    value
}

/// What an error may repeat.
fn without_password(url: &str) -> String {
    let start = url.find("://").map_or(0, |colon| colon + "://".len());
    // The last one of all: a password with a slash in it, which does not belong there, is a password all the same.
    let user = url.rfind('@').filter(|at| *at >= start);
    let (begin, rest) = match user {
        Some(at) => (format!("{}…", &url[..start]), &url[at..]),
        None => (String::new(), url),
    };
    // Nor what may be a secret in a query.
    begin + rest.split(['?', '#']).next().unwrap_or_default()
}
