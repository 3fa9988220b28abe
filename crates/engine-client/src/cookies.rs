//! Cookies that servers set and want to see again (RFC 6265): what keeps a session on one node behind a sticky balancer.
//!
//! Small on purpose, and our own: the crate `cookie` reads one by way of `time`, and does not keep them; `cookie_store` keeps them by
//! way of `url`, `idna` and a list of public suffixes, for `Domain`, which is not looked at here: a cookie goes back to the
//! origin that it came from and to nobody else.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::Target;

/// Most cookies of one origin (RFC 6265, 6.1, has 50 as what there should be room for at least).
const PER_ORIGIN: usize = 50;

/// Most bytes of one cookie; a larger one is not taken (RFC 6265, 6.1).
const BYTES: usize = 4 << 10;

/// Most bytes of an origin's cookies, as the header has them: more than a server takes in a head is of no use.
const BYTES_PER_ORIGIN: usize = 8 << 10;

/// Most cookies of all origins.
const ALL: usize = 1000;

/// Longest life of a cookie, as browsers have it.
const LONGEST: Duration = Duration::from_hours(400 * 24);

/// The cookies of one user. Cloning counts a reference: all clones are one jar.
///
/// A cookie is sent to the scheme, host and port that has set it, below its path, until it expires. An origin may have 50 of them
/// with 8 KiB together and 4 KiB each, a jar 1000; the oldest make room. `Domain` and `SameSite` are not looked at; `Secure` is
/// kept by the scheme: what came over TLS leaves over TLS only, and a `Secure` cookie that comes without TLS is not taken.
///
/// ```
/// use http::{HeaderMap, header::SET_COOKIE};
/// use sockeye_engine_client::{Jar, Target};
///
/// let jar = Jar::default();
/// let (target, _) = Target::parse("http://localhost:3000").unwrap();
/// let mut answer = HeaderMap::new();
/// answer.append(SET_COOKIE, "node=2; Path=/; HttpOnly".parse().unwrap());
/// answer.append(SET_COOKIE, "lang=en; Max-Age=3600".parse().unwrap());
/// jar.store(&target, &answer);
/// assert_eq!(jar.header(&target).unwrap(), "lang=en; node=2");
/// // The one without a path belongs to `/socket.io`, where it was set.
/// assert_eq!(jar.header(&target.with_path("/")).unwrap(), "node=2");
/// ```
#[derive(Clone, Default)]
pub struct Jar(Arc<Mutex<Vec<Stored>>>);

/// A cookie, and when it goes where. The oldest stand in front.
struct Stored {
    origin: String,
    cookie: SetCookie,
}

/// What one `Set-Cookie` says.
struct SetCookie {
    name: String,
    value: String,
    path: String,
    secure: bool,
    /// When it goes away; `None` with the jar.
    until: Option<Instant>,
}

impl Jar {
    /// Takes every `Set-Cookie` of an answer. One that cannot be read is left out.
    ///
    /// ```
    /// let (target, _) = sockeye_engine_client::Target::parse("http://localhost:3000").unwrap();
    /// let jar = sockeye_engine_client::Jar::default();
    /// let mut answer = http::HeaderMap::new();
    /// answer.insert("set-cookie", "node=7".parse().unwrap());
    /// jar.store(&target, &answer);
    /// assert_eq!(jar.header(&target).unwrap(), "node=7");
    /// ```
    pub fn store(&self, target: &Target, answer: &HeaderMap) {
        if !answer.contains_key(SET_COOKIE) {
            return;
        }
        let now = Instant::now();
        let texts = answer.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
        let cookies = texts.filter_map(|text| SetCookie::parse(text, target, now));
        let origin = target.origin();
        let mut jar = self.0.lock();
        let may_stay =
            |cookie: &SetCookie| (target.secure || !cookie.secure) && cookie.bytes() <= BYTES;
        for cookie in cookies.filter(may_stay) {
            put(&mut jar, Stored { origin: origin.clone(), cookie }, now);
        }
    }

    /// The header `Cookie` of a request to this target, if there is something to send: the longest path first, then
    /// the oldest (RFC 6265, 5.4).
    ///
    /// ```
    /// let (target, _) = sockeye_engine_client::Target::parse("http://localhost:3000").unwrap();
    /// let jar = sockeye_engine_client::Jar::default();
    /// let mut answer = http::HeaderMap::new();
    /// answer.insert("set-cookie", "node=7".parse().unwrap());
    /// jar.store(&target, &answer);
    /// assert_eq!(jar.header(&target).unwrap(), "node=7");
    /// ```
    pub fn header(&self, target: &Target) -> Option<HeaderValue> {
        let now = Instant::now();
        let origin = target.origin();
        let jar = self.0.lock();
        let mut cookies: Vec<_> = jar
            .iter()
            .filter(|stored| stored.origin == origin)
            .map(|stored| &stored.cookie)
            .filter(|cookie| cookie.lives(now) && covers(&cookie.path, &target.path))
            .collect();
        cookies.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let pairs: Vec<_> =
            cookies.iter().map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        HeaderValue::try_from(pairs.join("; ")).ok().filter(|header| !header.is_empty())
    }

    /// Forgets all of them.
    ///
    /// ```
    /// let jar = sockeye_engine_client::Jar::default();
    /// jar.clone().clear();
    /// assert_eq!(format!("{jar:?}"), "[]");
    /// ```
    pub fn clear(&self) {
        self.0.lock().clear();
    }
}

impl fmt::Debug for Jar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names only: values are secrets.
        let jar = self.0.lock();
        f.debug_list().entries(jar.iter().map(|stored| &stored.cookie.name)).finish()
    }
}

/// Puts one in, in place of the one with the same name and path, and lets the oldest go where there are too many.
fn put(jar: &mut Vec<Stored>, new: Stored, now: Instant) {
    let before = jar.iter().position(|stored| stored.is_replaced_by(&new));
    if !new.cookie.lives(now) {
        before.map(|place| jar.remove(place));
        return;
    }
    let origin = new.origin.clone();
    // One that is set anew keeps its age (RFC 6265, 5.3, step 11).
    match before {
        Some(place) => jar[place] = new,
        None => jar.push(new),
    }
    jar.retain(|stored| stored.cookie.lives(now));
    while is_too_full(jar, &origin) {
        let oldest = jar.iter().position(|stored| stored.origin == origin).unwrap_or_default();
        jar.remove(oldest);
    }
    if jar.len() > ALL {
        jar.remove(0);
    }
}

fn is_too_full(jar: &[Stored], origin: &str) -> bool {
    let own = || jar.iter().filter(|stored| stored.origin == origin);
    let bytes: usize = own().map(|stored| stored.cookie.bytes()).sum();
    own().count() > PER_ORIGIN || bytes > BYTES_PER_ORIGIN
}

impl Stored {
    fn is_replaced_by(&self, new: &Stored) -> bool {
        let (own, other) = (&self.cookie, &new.cookie);
        self.origin == new.origin && own.name == other.name && own.path == other.path
    }
}

impl SetCookie {
    /// Reads a `Set-Cookie` (RFC 6265, 5.2). Names of attributes are taken in upper and lower case.
    fn parse(text: &str, target: &Target, now: Instant) -> Option<SetCookie> {
        let mut parts = text.split(';');
        let (name, value) = parts.next()?.split_once('=')?;
        let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
        if name.is_empty() {
            return None;
        }
        let path = default_path(&target.path).to_owned();
        let mut cookie = SetCookie { name, value, path, secure: false, until: None };
        let mut max_age = None;
        for part in parts {
            let (attribute, value) = part.split_once('=').unwrap_or((part, ""));
            let value = value.trim();
            match &*attribute.trim().to_ascii_lowercase() {
                "path" if value.starts_with('/') => value.clone_into(&mut cookie.path),
                "secure" => cookie.secure = true,
                "max-age" => max_age = seconds(value).or(max_age),
                "expires" => cookie.until = date(value).map(|left| now + left).or(cookie.until),
                _ => {}
            }
        }
        // Max-Age wins over Expires.
        cookie.until = max_age.map(|left| now + left).or(cookie.until);
        Some(cookie)
    }

    fn lives(&self, now: Instant) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// What it takes: the pair with what separates it from the next, and what is kept beside it.
    fn bytes(&self) -> usize {
        self.name.len() + self.value.len() + self.path.len() + "=; ".len()
    }
}

/// What `Max-Age` leaves it; nothing if that is zero or less. What is no number is not there (5.2.2).
fn seconds(value: &str) -> Option<Duration> {
    let digits = value.strip_prefix('-').unwrap_or(value);
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    if digits.len() < value.len() {
        return Some(Duration::ZERO);
    }
    // More digits than a number holds are a long time.
    Some(digits.parse().map_or(LONGEST, Duration::from_secs).min(LONGEST))
}

/// What `Expires` leaves it; nothing if that was before now. Some servers write dashes between day, month and year.
fn date(value: &str) -> Option<Duration> {
    let date = httpdate::parse_http_date(value);
    let date = date.or_else(|_| httpdate::parse_http_date(&value.replace('-', " "))).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default().min(LONGEST))
}

/// The path of a cookie that names none: that of the request up to its last slash (5.1.4).
fn default_path(path: &str) -> &str {
    match path.rfind('/') {
        Some(0) | None => "/",
        Some(slash) => &path[..slash],
    }
}

/// Whether a cookie of this path goes along with a request to that one (5.1.4).
fn covers(cookie: &str, request: &str) -> bool {
    let Some(rest) = request.strip_prefix(cookie) else { return false };
    rest.is_empty() || cookie.ends_with('/') || rest.starts_with('/')
}
