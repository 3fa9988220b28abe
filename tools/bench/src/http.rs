//! HTTP/1.1 messages, as much of them as a load generator and a floor need.

use std::borrow::Cow;

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

    /// The whole body of the message that `input` begins with: counted by `Content-Length`, or
    /// in chunks, as uvicorn sends what it was given in pieces. `Ok(None)` while it is not complete.
    ///
    /// # Errors
    ///
    /// [`Unbounded`]: nobody can say where this body ends.
    ///
    /// ```
    /// use sockeye_bench::http::Head;
    ///
    /// let input = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
    /// let head = Head::read(input).unwrap();
    /// let body = head.whole_body(input).unwrap().unwrap();
    /// assert_eq!((&*body.bytes, body.end), (b"ok".as_slice(), input.len()));
    /// ```
    pub fn whole_body<'i>(&self, input: &'i [u8]) -> Result<Option<Body<'i>>, Unbounded> {
        if let Some(length) = self.body() {
            let end = self.length + length;
            let bytes = input.get(self.length..end).map(Cow::Borrowed);
            return Ok(bytes.map(|bytes| Body { bytes, end }));
        }
        match self.header("transfer-encoding") {
            Some(coding) if coding.eq_ignore_ascii_case("chunked") => {
                let body = chunks(&input[self.length..])?.map(|(bytes, length)| Body {
                    bytes: Cow::Owned(bytes),
                    end: self.length + length,
                });
                Ok(body)
            }
            _ => Err(Unbounded),
        }
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

/// A body that is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body<'i> {
    /// What it is, without the sizes of chunks.
    pub bytes: Cow<'i, [u8]>,
    /// Where its message ends.
    pub end: usize,
}

/// A body without an announced end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unbounded;

/// The chunks of a body (RFC 9112, 7.1), and the bytes they take with their sizes. Trailers are not expected.
fn chunks(mut input: &[u8]) -> Result<Option<(Vec<u8>, usize)>, Unbounded> {
    let (mut body, mut taken) = (Vec::new(), 0);
    loop {
        let Some(line) = input.windows(2).position(|two| two == b"\r\n") else {
            return Ok(None);
        };
        let size = str::from_utf8(&input[..line]).map_err(|_| Unbounded)?;
        let size = usize::from_str_radix(size, 16).map_err(|_| Unbounded)?;
        // The chunk, or the nothing behind the last size, ends with a line break of its own.
        let end = size.checked_add(line + 4).ok_or(Unbounded)?;
        let Some(chunk) = input.get(line + 2..end) else {
            return Ok(None);
        };
        body.extend_from_slice(chunk.strip_suffix(b"\r\n").ok_or(Unbounded)?);
        taken += end;
        if size == 0 {
            return Ok(Some((body, taken)));
        }
        input = &input[end..];
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
