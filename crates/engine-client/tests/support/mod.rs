//! Servers that a test writes line by line, in memory.
#![allow(dead_code, reason = "each test uses a part of it")]

use http::HeaderMap;
use sockeye_engine_client::http::{Answer, Ask, Lane, Site, Upgraded, websocket};
use sockeye_engine_client::{Connecting, Connector, Dialer, EngineError, Jar, Stream, Target};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The query of a test's requests.
pub(crate) const QUERY: [(&str, &str); 2] = [("EIO", "4"), ("transport", "polling")];

/// The connections that a client opens, in memory.
pub(crate) struct Server(UnboundedReceiver<DuplexStream>);

struct InMemory(UnboundedSender<DuplexStream>);

impl Connector for InMemory {
    fn connect(&self, _: &Target) -> Connecting {
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let sent = self.0.send(theirs);
        Box::pin(async move {
            sent.map_err(|_| std::io::Error::from(std::io::ErrorKind::ConnectionRefused))?;
            Ok(Stream::new(ours))
        })
    }
}

impl Server {
    pub(crate) async fn accept(&mut self) -> DuplexStream {
        self.0.recv().await.expect("the client's dialer is there")
    }

    /// How many connections are there that nobody has accepted.
    pub(crate) fn waiting(&self) -> usize {
        self.0.len()
    }

    /// Accepts a connection, reads a request from it and answers.
    pub(crate) async fn answer(&mut self, answer: &str) -> (DuplexStream, String) {
        let mut stream = self.accept().await;
        let request = self::answer(&mut stream, answer).await;
        (stream, request)
    }
}

/// What a client's requests have in common.
pub(crate) struct Client {
    pub(crate) target: Target,
    pub(crate) dialer: Dialer,
    pub(crate) headers: HeaderMap,
    pub(crate) cookies: Option<Jar>,
}

/// A client of this URL, and its server.
pub(crate) fn pair(url: &str) -> (Client, Server) {
    let (sender, receiver) = unbounded_channel();
    let dialer = Dialer::default().connector(InMemory(sender));
    (Client::new(url, dialer), Server(receiver))
}

impl Client {
    pub(crate) fn new(url: &str, dialer: Dialer) -> Self {
        let (target, _) = Target::parse(url).expect("a URL");
        Client { target, dialer, headers: HeaderMap::new(), cookies: None }
    }

    pub(crate) fn site(&self) -> Site<'_> {
        Site::new(&self.target, &self.dialer, &self.headers).cookies(self.cookies.as_ref())
    }

    pub(crate) async fn get(&self, lane: &mut Lane) -> Result<Answer, EngineError> {
        lane.exchange(self.site(), Ask::get(&QUERY).at_most(1000)).await
    }

    pub(crate) async fn post(
        &self,
        lane: &mut Lane,
        body: &'static str,
    ) -> Result<Answer, EngineError> {
        let kind = "text/plain;charset=UTF-8";
        lane.exchange(self.site(), Ask::post(&QUERY, body.as_bytes().into(), kind)).await
    }

    pub(crate) async fn websocket(&self, offer: Option<&str>) -> Result<Upgraded, EngineError> {
        websocket(self.site(), &[("EIO", "4"), ("transport", "websocket")], offer).await
    }
}

/// Reads a request, with its body, and answers.
pub(crate) async fn answer(stream: &mut DuplexStream, answer: &str) -> String {
    let request = read_request(stream).await;
    stream.write_all(answer.as_bytes()).await.expect("the client reads");
    request
}

/// A head, byte by byte, and as much of a body as it says.
pub(crate) async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        read.push(stream.read_u8().await.expect("a whole head"));
    }
    let head = String::from_utf8(read).expect("text");
    let length =
        header(&head, "content-length").map_or(0, |length| length.parse().expect("digits"));
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.expect("a whole body");
    head + &String::from_utf8(body).expect("text")
}

/// The value of a header of that head.
pub(crate) fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let mut lines = head.split("\r\n").skip(1);
    lines.find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// A whole answer of 200.
pub(crate) fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}
