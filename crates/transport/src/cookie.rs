//! The cookie that names a session to whoever stands in front of the server.

use std::fmt;
use std::time::{Duration, SystemTime};

use engine_proto::Sid;
use http::header::HeaderValue;

/// A cookie that the first answer of a session sets to the session's id, so that a load balancer may send all
/// requests of a session to one process. The server itself never reads it.
///
/// The default is `io=<id>; Path=/; HttpOnly; SameSite=Lax`, as in the reference.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use sockeye_transport::{Cookie, SameSite};
///
/// let cookie = Cookie::new("node").max_age(Duration::from_secs(3600)).same_site(SameSite::Strict);
/// assert_eq!(cookie.to_string(), "node=; Max-Age=3600; Path=/; HttpOnly; SameSite=Strict");
/// ```
#[derive(Clone, Debug)]
pub struct Cookie {
    name: String,
    max_age: Option<Duration>,
    domain: Option<String>,
    path: Option<String>,
    expires: Option<SystemTime>,
    http_only: bool,
    secure: bool,
    partitioned: bool,
    priority: Option<CookiePriority>,
    same_site: Option<SameSite>,
}

/// Which requests that other sites cause a browser sends a cookie with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// None.
    Strict,
    /// Links that are followed.
    Lax,
    /// All. Browsers take such a cookie only if it is [`secure`](Cookie::secure).
    None,
}

/// Which cookies a browser drops first that has too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CookiePriority {
    /// This one, before others.
    Low,
    /// As those that do not say.
    Medium,
    /// Others, before this one.
    High,
}

impl Default for Cookie {
    fn default() -> Self {
        Cookie::new("io")
    }
}

impl Cookie {
    /// A cookie of this name, with the defaults of the reference.
    pub fn new(name: impl Into<String>) -> Self {
        Cookie {
            name: name.into(),
            max_age: None,
            domain: None,
            path: Some("/".to_owned()),
            expires: None,
            http_only: true,
            secure: false,
            partitioned: false,
            priority: None,
            same_site: Some(SameSite::Lax),
        }
    }

    /// How long a browser keeps it, in whole seconds. Default: until the browser ends.
    #[must_use]
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// When a browser drops it, to the second. Where there is a [`max_age`](Self::max_age) too, browsers go by that.
    /// Default: when the browser ends.
    #[must_use]
    pub fn expires(mut self, at: SystemTime) -> Self {
        self.expires = Some(at);
        self
    }

    /// The domain whose hosts get it. Default: the host that set it, alone.
    #[must_use]
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// The path under which it is sent. Default `/`.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Leaves the path to the browser: the one of the request.
    #[must_use]
    pub fn without_path(mut self) -> Self {
        self.path = None;
        self
    }

    /// Whether scripts of a page cannot read it. Default: yes. The id in it is the key to the session.
    #[must_use]
    pub fn http_only(mut self, hidden: bool) -> Self {
        self.http_only = hidden;
        self
    }

    /// Whether it is sent over TLS only. Default: no.
    #[must_use]
    pub fn secure(mut self, secure: bool) -> Self {
        self.secure = secure;
        self
    }

    /// Whether pages of other sites that show this one have a cookie of their own each (CHIPS). Browsers take such a
    /// cookie only if it is [`secure`](Self::secure). Default: no.
    #[must_use]
    pub fn partitioned(mut self, partitioned: bool) -> Self {
        self.partitioned = partitioned;
        self
    }

    /// Which cookies a browser drops first that has too many. Default: it is not said.
    #[must_use]
    pub fn priority(mut self, priority: CookiePriority) -> Self {
        self.priority = Some(priority);
        self
    }

    /// Which requests that other sites cause it is sent with. Default [`SameSite::Lax`].
    #[must_use]
    pub fn same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = Some(same_site);
        self
    }

    /// Leaves that to the browser.
    #[must_use]
    pub fn without_same_site(mut self) -> Self {
        self.same_site = None;
        self
    }

    /// Why no browser would take it, if that is so.
    pub fn problem(&self) -> Option<&'static str> {
        let token = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c);
        let value = |text: &Option<String>| {
            text.as_deref()
                .unwrap_or_default()
                .bytes()
                .all(|c| matches!(c, b' '..=b'~') && c != b';')
        };
        if self.name.is_empty() || !self.name.bytes().all(token) {
            return Some("a name has letters, digits and `!#$%&'*+-.^_`|~` only");
        }
        if !value(&self.domain) || !value(&self.path) {
            return Some("domain and path have ASCII characters without `;` only");
        }
        if self.expires.is_some_and(|at| !(SystemTime::UNIX_EPOCH..year_10000()).contains(&at)) {
            return Some("it expires in a year from 1970 to 9999");
        }
        if self.secure {
            return None;
        }
        if self.partitioned {
            return Some("browsers take `Partitioned` only together with `Secure`");
        }
        let open = self.same_site == Some(SameSite::None);
        open.then_some("browsers take `SameSite=None` only together with `Secure`")
    }

    /// The value of `Set-Cookie` for this session; `None` if the cookie has a [`problem`](Self::problem).
    pub(crate) fn header(&self, sid: Sid) -> Option<HeaderValue> {
        let mut text = String::new();
        self.write(&mut text, sid.as_str()).ok()?;
        HeaderValue::try_from(text).ok()
    }

    fn write(&self, out: &mut impl fmt::Write, value: &str) -> fmt::Result {
        write!(out, "{}={value}", self.name)?;
        if let Some(age) = self.max_age {
            write!(out, "; Max-Age={}", age.as_secs())?;
        }
        if let Some(domain) = &self.domain {
            write!(out, "; Domain={domain}")?;
        }
        if let Some(path) = &self.path {
            write!(out, "; Path={path}")?;
        }
        if let Some(at) = self.expires {
            write!(out, "; Expires={}", httpdate::HttpDate::from(at))?;
        }
        if self.http_only {
            out.write_str("; HttpOnly")?;
        }
        if self.secure {
            out.write_str("; Secure")?;
        }
        if self.partitioned {
            out.write_str("; Partitioned")?;
        }
        if let Some(priority) = self.priority {
            write!(out, "; Priority={priority:?}")?;
        }
        match self.same_site {
            Some(same_site) => write!(out, "; SameSite={same_site:?}"),
            None => Ok(()),
        }
    }
}

/// HTTP dates have years of four digits.
fn year_10000() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_hours(70_389_528)
}

/// As it is set, but for the id.
impl fmt::Display for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, "")
    }
}
