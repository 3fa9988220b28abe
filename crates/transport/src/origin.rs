//! Foreign origins: which pages may connect, and what a browser is told about it (CORS).
//!
//! CORS alone does not protect a WebSocket, since a browser asks nobody before it opens one. So a request
//! that names a foreign origin is refused on every transport unless the origin is on the list.

use std::fmt;
use std::sync::Arc;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::hooks::guarded;

/// Which origins other than the server's own may connect.
///
/// A request without an `Origin` header does not come from a page and is allowed. `null` is foreign.
///
/// ```
/// use sockeye_transport::Origins;
/// let origins = Origins::default().allow("https://example.com");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Origins {
    any: bool,
    list: Vec<String>,
    rules: Vec<Rule>,
    credentials: bool,
    trust_forwarded_host: bool,
}

impl Origins {
    /// Every origin may connect.
    #[must_use]
    pub fn any(mut self) -> Self {
        self.any = true;
        self
    }

    /// This origin may connect: scheme, host and port as a browser writes them, `https://example.com`.
    #[must_use]
    pub fn allow(mut self, origin: impl Into<String>) -> Self {
        let mut origin: String = origin.into();
        if origin != "null" {
            origin.make_ascii_lowercase();
        }
        self.list.push(origin.trim_end_matches('/').to_owned());
        self
    }

    /// Origins that this function says yes to may connect. It is given the origin as the browser wrote it.
    #[must_use]
    pub fn allow_if(mut self, allowed: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        self.rules.push(Rule(Arc::new(allowed)));
        self
    }

    /// Browsers may send cookies along. Default: not.
    #[must_use]
    pub fn credentials(mut self, allowed: bool) -> Self {
        self.credentials = allowed;
        self
    }

    /// The server's own host is read from `X-Forwarded-Host` where that header is there. Only behind a
    /// proxy that sets it. Default: not.
    #[must_use]
    pub fn trust_forwarded_host(mut self, trusted: bool) -> Self {
        self.trust_forwarded_host = trusted;
        self
    }

    /// Whose page a request comes from.
    pub(crate) fn judge(&self, headers: &HeaderMap, authority: Option<&str>) -> Verdict {
        let Some(origin) = headers.get(header::ORIGIN) else {
            return Verdict::Own;
        };
        let Ok(text) = origin.to_str() else {
            return Verdict::Malformed;
        };
        if self.lists(text) {
            return Verdict::Listed(origin.clone());
        }
        let own = self.own_host(headers, authority);
        let foreign =
            own.is_none_or(|own| !host_of(text).is_some_and(|host| same_host(host, own, text)));
        if foreign { Verdict::Foreign } else { Verdict::Own }
    }

    fn lists(&self, origin: &str) -> bool {
        self.any
            || self.list.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin))
            || self.rules.iter().any(|rule| rule.allows(origin))
    }

    fn own_host<'a>(&self, headers: &'a HeaderMap, authority: Option<&'a str>) -> Option<&'a str> {
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let forwarded = text(HeaderName::from_static("x-forwarded-host"));
        forwarded
            .filter(|_| self.trust_forwarded_host)
            .and_then(|hosts| hosts.split(',').next())
            .map(str::trim)
            // What the target says counts before the header (RFC 9112, 3.2.2, and RFC 9113, 8.3.1).
            .or(authority)
            .or_else(|| text(header::HOST))
    }

    /// Adds what a browser needs to see on an answer to a listed origin.
    pub(crate) fn mark(&self, origin: &HeaderValue, headers: &mut HeaderMap) {
        if self.any && !self.credentials {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        } else {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.append(header::VARY, HeaderValue::from_static("Origin"));
        }
        if self.credentials {
            let yes = HeaderValue::from_static("true");
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
        }
    }
}

/// An application's rule for origins.
#[derive(Clone)]
struct Rule(Arc<dyn Fn(&str) -> bool + Send + Sync>);

impl Rule {
    /// Whether it lets this origin in; one that panics does not.
    fn allows(&self, origin: &str) -> bool {
        guarded("allow_origin_if", || (self.0)(origin)).unwrap_or(false)
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rule")
    }
}

/// What [`Origins::judge`] found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// No origin, or the server's own.
    Own,
    /// On the list: the answer says so.
    Listed(HeaderValue),
    /// Neither: refused with 403.
    Foreign,
    /// Illegal characters: refused with 400, as the reference does.
    Malformed,
}

/// `https://example.com:8080` → `example.com:8080`.
fn host_of(origin: &str) -> Option<&str> {
    origin.split_once("://").map(|(_, host)| host)
}

/// Compares hosts and ports; a default port may be left out on either side.
fn same_host(host: &str, own: &str, origin: &str) -> bool {
    let default = if origin.starts_with("https") { ":443" } else { ":80" };
    let bare = |text: &str| text.strip_suffix(default).unwrap_or(text).to_ascii_lowercase();
    bare(host) == bare(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(origins: &Origins, pairs: &[(&'static str, &'static str)]) -> Verdict {
        let headers = pairs
            .iter()
            .map(|&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        origins.judge(&headers, None)
    }

    #[test]
    fn a_page_of_the_own_host_may_connect() {
        let none = Origins::default();
        assert_eq!(judge(&none, &[("host", "a.example")]), Verdict::Own);
        let same = [("host", "a.example:3000"), ("origin", "http://A.example:3000")];
        assert_eq!(judge(&none, &same), Verdict::Own);
        let default_port = [("host", "a.example:443"), ("origin", "https://a.example")];
        assert_eq!(judge(&none, &default_port), Verdict::Own);
    }

    #[test]
    fn other_hosts_other_ports_and_null_are_foreign() {
        let none = Origins::default();
        for origin in ["http://b.example", "http://a.example:81", "null", "a.example"] {
            assert_eq!(
                judge(&none, &[("host", "a.example"), ("origin", origin)]),
                Verdict::Foreign
            );
        }
        assert_eq!(judge(&none, &[("origin", "http://a.example")]), Verdict::Foreign);
    }

    #[test]
    fn a_listed_origin_may_connect() {
        let list = Origins::default().allow("https://B.example/");
        let pairs = [("host", "a.example"), ("origin", "https://b.example")];
        assert_eq!(judge(&list, &pairs), Verdict::Listed(HeaderValue::from_static(pairs[1].1)));
        assert_eq!(
            judge(&list, &[("host", "x"), ("origin", "http://b.example")]),
            Verdict::Foreign
        );
    }

    #[test]
    fn a_forwarded_host_counts_only_when_it_is_trusted() {
        let pairs = [
            ("host", "inner:3000"),
            ("x-forwarded-host", "a.example, proxy"),
            ("origin", "https://a.example"),
        ];
        assert_eq!(judge(&Origins::default(), &pairs), Verdict::Foreign);
        assert_eq!(judge(&Origins::default().trust_forwarded_host(true), &pairs), Verdict::Own);
    }
}
