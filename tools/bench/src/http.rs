//! Heads of HTTP/1.1 messages, as much of them as a load generator and a floor need.

/// The head of a request or an answer: its first line, and the header lines behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head<'a> {
    /// The request line or the status line.
    pub first: &'a str,
    lines: &'a str,
    /// Bytes the head takes, the empty line included.
    pub length: usize,
}

impl<'a> Head<'a> {
    /// Reads the head at the start of `input`; `None` if it is not complete yet, or is not text.
    ///
    /// ```
    /// use sockeye_bench::http::Head;
    ///
    /// let head = Head::read(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
    /// assert_eq!((head.status(), head.body()), (Some(200), Some(2)));
    /// ```
    pub fn read(input: &'a [u8]) -> Option<Self> {
        let end = input.windows(4).position(|four| four == b"\r\n\r\n")?;
        let text = str::from_utf8(&input[..end]).ok()?;
        let (first, lines) = text.split_once("\r\n").unwrap_or((text, ""));
        Some(Self { first, lines, length: end + 4 })
    }

    /// The value of a header, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.lines.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The body's length. `None` where it is not announced, or not a number.
    pub fn body(&self) -> Option<usize> {
        self.header("content-length")?.parse().ok()
    }

    /// The status code, if this is an answer.
    pub fn status(&self) -> Option<u16> {
        self.first.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()
    }

    /// Method and target, if this is a request.
    pub fn request(&self) -> Option<(&'a str, &'a str)> {
        let (method, rest) = self.first.split_once(' ')?;
        let (target, _version) = rest.split_once(' ')?;
        Some((method, target))
    }
}

/// The value of `name` in a target's query, as it stands there.
///
/// ```
/// assert_eq!(sockeye_bench::http::query("/socket.io/?EIO=4&sid=abc", "sid"), Some("abc"));
/// ```
pub fn query<'a>(target: &'a str, name: &str) -> Option<&'a str> {
    let (_path, query) = target.split_once('?')?;
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|pair| pair.0 == name)
        .map(|p| p.1)
}
