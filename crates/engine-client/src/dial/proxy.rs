//! Proxies: which one leads to a server, and how one of HTTP is asked to (RFC 9110, 9.3.6).

use std::env;
use std::fmt;

use http::header::{HOST, PROXY_AUTHORIZATION};
use http::uri::Authority;
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::Full;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

use super::Stream;
use crate::http::{Connection, Failure};
use crate::target::UrlError;
use crate::{EngineError, Target};

/// Proxies, and whom to reach without one.
///
/// An HTTP proxy (`http://`; `https://` with the feature `tls`) is asked for a tunnel by `CONNECT`, for servers without TLS as
/// well; one of SOCKS5 (`socks5://` or `socks5h://`, feature `socks`) resolves the name of the server itself, and has to ask for
/// the user name and password if there are some. User name and password stand in the URL.
///
/// ```
/// use sockeye_engine_client::{Dialer, Proxy};
///
/// let proxy = Proxy::new("http://me:secret@proxy.example:3128")?;
/// let dialer = Dialer::default().proxy(proxy.except("localhost, .internal.example, 10.0.0.0/8"));
/// # Ok::<(), sockeye_engine_client::UrlError>(())
/// ```
#[derive(Clone, Default)]
pub struct Proxy {
    /// To servers without TLS; empty if directly.
    http: String,
    /// To servers with TLS; empty if directly.
    https: String,
    except: String,
}

/// The proxy that leads to one server.
pub(super) struct Hop(Intercept);

impl Proxy {
    /// This proxy, for all servers. Without a scheme it is one of HTTP; without a port it is 80, 443 or 1080.
    ///
    /// ```
    /// use sockeye_engine_client::Proxy;
    ///
    /// assert!(Proxy::new("http://proxy.example:3128").is_ok());
    /// assert!(Proxy::new("ftp://proxy.example").is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// If it is no URL, or its scheme is none that is spoken here.
    pub fn new(url: &str) -> Result<Proxy, UrlError> {
        let url = checked(url)?;
        Ok(Proxy { http: url.clone(), https: url, except: String::new() })
    }

    /// What the environment says, as curl and most others read it: `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`, in
    /// lower case or in upper case. Where it says nothing, servers are reached directly. Below a web server that runs programs
    /// (CGI) a request could set `HTTP_PROXY`, so that one is not looked at there.
    ///
    /// ```no_run
    /// use sockeye_engine_client::{Dialer, Proxy};
    ///
    /// let dialer = Dialer::default().proxy(Proxy::from_env()?);
    /// # Ok::<(), sockeye_engine_client::UrlError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If one of them is no URL of a proxy: nobody is reached directly because of a slip.
    pub fn from_env() -> Result<Proxy, UrlError> {
        Proxy::from_variables(|name| env::var(name).ok())
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Proxy, UrlError> {
        let is_cgi = variable("REQUEST_METHOD").is_some();
        let either = |lower: &str| {
            let upper = lower.to_ascii_uppercase();
            let upper = Some(upper).filter(|upper| !(is_cgi && upper == "HTTP_PROXY"));
            let found = variable(lower).or_else(|| upper.and_then(|upper| variable(&upper)));
            found.filter(|value| !value.trim().is_empty())
        };
        let url = |name| {
            either(name)
                .or_else(|| either("all_proxy"))
                .map_or(Ok(String::new()), |url| checked(&url))
        };
        let except = either("no_proxy").unwrap_or_default();
        Ok(Proxy { http: url("http_proxy")?, https: url("https_proxy")?, except })
    }

    /// Reaches these directly: names, which stand for all below them as well, addresses and networks, with commas in between; `*`
    /// is everybody. What `no_proxy` holds.
    ///
    /// ```
    /// let proxy = sockeye_engine_client::Proxy::new("http://proxy.example:3128").unwrap();
    /// let proxy = proxy.except("localhost,.example.com");
    /// ```
    #[must_use]
    pub fn except(mut self, hosts: &str) -> Self {
        hosts.clone_into(&mut self.except);
        self
    }

    /// Through which proxy this server is reached, if through any.
    pub(super) fn hop(&self, target: &Target) -> Option<Hop> {
        let rules = Matcher::builder().http(&*self.http).https(&*self.https).no(&*self.except);
        let server = target.origin().parse().ok()?;
        rules.build().intercept(&server).map(Hop)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Its own `Debug` leaves passwords out.
        let Proxy { http, https, except } = self;
        Matcher::builder().http(&**http).https(&**https).no(&**except).build().fmt(f)
    }
}

impl Hop {
    pub(super) fn is_secure(&self) -> bool {
        self.scheme() == "https"
    }

    #[cfg(feature = "socks")]
    pub(super) fn is_socks(&self) -> bool {
        self.scheme().starts_with("socks")
    }

    /// Without the brackets of an address.
    pub(super) fn host(&self) -> &str {
        let host = self.0.uri().host().unwrap_or_default();
        host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
    }

    pub(super) fn port(&self) -> u16 {
        let usual = match self.scheme() {
            "http" => 80,
            "https" => 443,
            _ => 1080,
        };
        self.0.uri().port_u16().unwrap_or(usual)
    }

    #[cfg(feature = "socks")]
    pub(super) fn user(&self) -> Option<(&str, &str)> {
        self.0.raw_auth()
    }

    pub(super) fn failed(&self, message: &dyn fmt::Display) -> EngineError {
        let proxy = format!(
            "{}://{}:{}",
            self.scheme(),
            self.0.uri().host().unwrap_or_default(),
            self.port()
        );
        EngineError::Proxy { proxy: proxy.into(), message: message.to_string().into() }
    }

    /// Asks for a tunnel to `target`; `stream` leads to the proxy.
    pub(super) async fn tunnel(
        &self,
        stream: Stream,
        target: &Target,
    ) -> Result<Stream, EngineError> {
        let request = connect(&target.address(), self.0.basic_auth());
        let request = request.map_err(|problem| self.failed(&problem))?;
        let mut connection = Connection::open(stream).await.map_err(|error| self.failed(&error))?;
        let answer = connection.send(request).await.map_err(|failure| match failure {
            Failure::Broken(error) => self.failed(&error),
            Failure::Unsent(_) => self.failed(&"it closed the connection"),
        })?;
        match answer.status() {
            status if status.is_success() => {}
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                return Err(self.failed(&match self.0.basic_auth() {
                    None => "it wants a user name and a password",
                    Some(_) => "it does not take this user name and password",
                }));
            }
            status => return Err(self.failed(&format!("it answered {status}"))),
        }
        let (stream, ahead) =
            connection.into_stream().await.map_err(|error| self.failed(&error))?;
        if ahead.is_empty() {
            return Ok(stream);
        }
        // Neither TLS nor HTTP has a server that speaks first.
        Err(self.failed(&"it sent something behind its answer"))
    }

    fn scheme(&self) -> &str {
        self.0.uri().scheme_str().unwrap_or_default()
    }
}

fn connect(
    address: &str,
    credentials: Option<&HeaderValue>,
) -> Result<Request<Full<bytes::Bytes>>, http::Error> {
    let place: Authority = address.parse()?;
    let mut request = Request::new(Full::default());
    *request.method_mut() = Method::CONNECT;
    *request.uri_mut() = Uri::from(place);
    request.headers_mut().insert(HOST, HeaderValue::try_from(address)?);
    if let Some(credentials) = credentials {
        request.headers_mut().insert(PROXY_AUTHORIZATION, credentials.clone());
    }
    Ok(request)
}

/// Whether it is the URL of a proxy that can be spoken to.
fn checked(url: &str) -> Result<String, UrlError> {
    let url = url.trim();
    let wrong = |problem: String| Err(UrlError::new(url, problem));
    let parsed: Uri = match url.parse() {
        Ok(parsed) => parsed,
        Err(problem) => return wrong(format!("no URL of a proxy: {problem}")),
    };
    if parsed.host().is_none_or(str::is_empty) {
        return wrong("no URL of a proxy: there is no host".to_owned());
    }
    match parsed.scheme_str() {
        None | Some("http") => Ok(url.to_owned()),
        Some("https") if cfg!(feature = "tls") => Ok(url.to_owned()),
        Some("https") => wrong("a proxy behind TLS needs the feature `tls`".to_owned()),
        Some("socks5" | "socks5h") if cfg!(feature = "socks") => Ok(url.to_owned()),
        Some("socks5" | "socks5h") => {
            wrong("a proxy of SOCKS5 needs the feature `socks`".to_owned())
        }
        Some(other) => wrong(format!("a proxy speaks http, https or socks5, not `{other}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(variables: &[(&str, &str)], server: &str) -> String {
        let found = |name: &str| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        let (target, _) = Target::parse(server).unwrap();
        let proxy = Proxy::from_variables(found).unwrap_or_else(|error| panic!("{error}"));
        proxy
            .hop(&target)
            .map_or("directly".to_owned(), |hop| format!("{}:{}", hop.host(), hop.port()))
    }

    #[test]
    fn the_environment_says_which_proxy_leads_where() {
        let both = [("http_proxy", "plain:3128"), ("HTTPS_PROXY", "http://secure")];
        assert_eq!(way(&both, "ws://example.com"), "plain:3128");
        assert_eq!(way(&both, "wss://example.com"), "secure:80");
        assert_eq!(way(&both[..1], "wss://example.com"), "directly");
        assert_eq!(way(&[], "http://example.com"), "directly");
        let all = [("all_proxy", "http://all:1"), ("http_proxy", "http://plain:2")];
        assert_eq!(way(&all, "http://example.com"), "plain:2");
        assert_eq!(way(&all, "https://example.com"), "all:1");
        let lower_first = [("http_proxy", "lower:1"), ("HTTP_PROXY", "upper:2")];
        assert_eq!(way(&lower_first, "http://example.com"), "lower:1");
        assert_eq!(way(&[("http_proxy", " ")], "http://example.com"), "directly");
    }

    #[test]
    fn whoever_is_named_by_no_proxy_is_reached_directly() {
        let except = "localhost, .internal.example,10.0.0.0/8, ::1";
        let variables = [("http_proxy", "proxy:3128"), ("no_proxy", except)];
        for direct in ["localhost:3000", "a.internal.example", "10.1.2.3", "[::1]:3000"] {
            assert_eq!(way(&variables, direct), "directly", "{direct}");
        }
        for other in ["notlocalhost", "example.com", "11.0.0.1"] {
            assert_eq!(way(&variables, other), "proxy:3128", "{other}");
        }
        let everybody = [("http_proxy", "proxy:3128"), ("NO_PROXY", "*")];
        assert_eq!(way(&everybody, "example.com"), "directly");
    }

    #[test]
    fn a_request_to_a_web_server_does_not_choose_the_proxy() {
        let cgi = [("REQUEST_METHOD", "GET"), ("HTTP_PROXY", "http://evil")];
        assert_eq!(way(&cgi, "http://example.com"), "directly");
        let own = [("REQUEST_METHOD", "GET"), ("http_proxy", "http://good:1")];
        assert_eq!(way(&own, "http://example.com"), "good:1");
    }

    #[test]
    fn a_slip_in_the_environment_is_told() {
        let slip = |name: &str| (name == "https_proxy").then(|| "htp://proxy".to_owned());
        let told = Proxy::from_variables(slip).unwrap_err().to_string();
        assert_eq!(told, "`htp://proxy`: a proxy speaks http, https or socks5, not `htp`");
    }
}
