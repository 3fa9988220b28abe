//! A raw HTTP client: it can say anything, in any pieces, and hears everything.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};

use crate::DEADLINE;

/// A TCP connection on which whatever is written is what the server gets.
pub struct Wire {
    stream: TcpStream,
    read: Vec<u8>,
}

/// An HTTP response.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Lower-case names, and values as they came.
    pub headers: Vec<(String, String)>,
    /// Without transfer coding.
    pub body: String,
}

impl Response {
    /// The first value of this header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

impl Wire {
    /// Connects to a port of this machine.
    ///
    /// # Panics
    ///
    /// If nobody listens there.
    pub fn open(port: u16) -> Self {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("somebody listens");
        stream.set_nodelay(true).expect("an option of TCP");
        stream.set_read_timeout(Some(DEADLINE)).expect("an option of sockets");
        stream.set_write_timeout(Some(DEADLINE)).expect("an option of sockets");
        Wire { stream, read: Vec::new() }
    }

    /// Sends bytes as they are. A server that has hung up already is no failure here: what it said is.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref());
    }

    /// Sends a request; `Content-Length` is added if there is a body.
    pub fn request(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) {
        let length = body.len().to_string();
        let mut headers = headers.to_vec();
        if !body.is_empty() || method == "POST" {
            headers.push(("Content-Length", &length));
        }
        self.head(method, path, &headers);
        self.send(body);
    }

    /// Sends the head of a request; what it announces is up to the caller.
    pub fn head(&mut self, method: &str, path: &str, headers: &[(&str, &str)]) {
        let mut lines = vec![format!("{method} {path} HTTP/1.1"), "Host: localhost".to_owned()];
        lines.extend(headers.iter().map(|(name, value)| format!("{name}: {value}")));
        self.send(lines.join("\r\n") + "\r\n\r\n");
    }

    /// Reads one response whole; none is left of it.
    ///
    /// # Panics
    ///
    /// If there is none, or what came is not HTTP.
    pub fn response(&mut self) -> Response {
        self.response_to("GET")
    }

    /// As [`response`](Self::response): what follows depends on the method asked with.
    ///
    /// # Panics
    ///
    /// If there is none, or what came is not HTTP.
    pub fn response_to(&mut self, method: &str) -> Response {
        let head = self.until(b"\r\n\r\n");
        let head = String::from_utf8(head).expect("a head in ASCII");
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        let status = status.and_then(|word| word.parse().ok());
        let status: u16 = status.unwrap_or_else(|| panic!("not HTTP: {head:?}"));
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
            .collect();
        let mut response = Response { status, headers, body: String::new() };
        if method != "HEAD" && status >= 200 && status != 204 {
            let body = self.body(&response);
            response.body = String::from_utf8(body).expect("a body in UTF-8");
        }
        response
    }

    /// Some more bytes, or nothing at the end of the stream.
    ///
    /// # Panics
    ///
    /// If nothing comes for a minute.
    pub fn more(&mut self) -> Vec<u8> {
        if !self.read.is_empty() {
            return std::mem::take(&mut self.read);
        }
        let mut buffer = vec![0; 64 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(length) => buffer.truncate(length),
            Err(error) if is_silence(&error) => panic!("the server is silent"),
            Err(_) => buffer.clear(),
        }
        buffer
    }

    /// Puts bytes back that belong to what comes next.
    pub fn unread(&mut self, bytes: &[u8]) {
        self.read.splice(0..0, bytes.iter().copied());
    }

    /// Whether the server has hung up; waits until it does or says something.
    pub fn is_over(&mut self) -> bool {
        let more = self.more();
        self.unread(&more);
        more.is_empty()
    }

    /// Waits until the server hangs up, whatever it says before.
    ///
    /// # Panics
    ///
    /// If it does not.
    pub fn is_let_go(&mut self) {
        self.rest();
    }

    /// Hangs up: nothing more is sent, nothing is read.
    pub fn hang_up(self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    fn body(&mut self, response: &Response) -> Vec<u8> {
        if let Some(length) = response.header("content-length") {
            let length = length.parse().expect("a length in digits");
            self.exactly(length)
        } else if response.header("transfer-encoding") == Some("chunked") {
            self.chunks()
        } else {
            self.rest()
        }
    }

    fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let size = self.until(b"\r\n");
            let size = std::str::from_utf8(&size).expect("a size in digits").trim();
            let size = usize::from_str_radix(size, 16).expect("a size in digits");
            let chunk = self.exactly(size + 2);
            if size == 0 {
                return body;
            }
            body.extend_from_slice(&chunk[..size]);
        }
    }

    fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        loop {
            let more = self.more();
            if more.is_empty() {
                return rest;
            }
            rest.extend(more);
        }
    }

    /// Reads up to the end of `mark`.
    fn until(&mut self, mark: &[u8]) -> Vec<u8> {
        let mut read = Vec::new();
        loop {
            let more = self.more();
            let said = String::from_utf8_lossy(&read).into_owned();
            assert!(!more.is_empty(), "the server hung up after {said:?}");
            read.extend(more);
            if let Some(at) = read.windows(mark.len()).position(|window| window == mark) {
                let rest = read.split_off(at + mark.len());
                self.unread(&rest);
                return read;
            }
        }
    }

    /// Reads this many bytes.
    ///
    /// # Panics
    ///
    /// If the server hangs up before.
    pub fn exactly(&mut self, length: usize) -> Vec<u8> {
        let mut read = Vec::new();
        while read.len() < length {
            let more = self.more();
            assert!(!more.is_empty(), "the server hung up in the middle");
            read.extend(more);
        }
        let rest = read.split_off(length);
        self.unread(&rest);
        read
    }
}

/// Sends one request on a connection of its own and returns the answer.
pub fn ask(port: u16, method: &str, path: &str) -> Response {
    ask_with(port, method, path, &[], "")
}

/// As [`ask`], with headers and a body.
pub fn ask_with(
    port: u16,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Response {
    let mut wire = Wire::open(port);
    wire.request(method, path, headers, body);
    wire.response_to(method)
}

fn is_silence(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
