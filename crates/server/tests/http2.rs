//! HTTP/2: polling, and a WebSocket as a stream of it (RFC 8441).

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use h2::ext::Protocol;
use h2::{RecvStream, SendStream, client};
use http::{Method, Request, Response};
use sockeye::{Builder, Io, Socket};
use support::{HANG, io, soon};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

/// A server that tells each client what it knows of it.
fn telling(options: impl FnOnce(Builder) -> Builder) -> Io {
    let io = io(options);
    io.of("/").on("version", async |socket: Socket| {
        let handshake = socket.handshake();
        let host = handshake.header("host").map(str::to_owned);
        (format!("{:?}", handshake.version()), handshake.url().starts_with("/socket.io/"), host)
    });
    io
}

async fn serve(options: impl FnOnce(Builder) -> Builder) -> (Io, SocketAddr, JoinHandle<()>) {
    let io = telling(options);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = io.clone();
    let serving = tokio::spawn(async move { serving.serve_listener(listener).await.unwrap() });
    (io, address, serving)
}

/// A connection without a network: what happens on it, and after how long, only the two sides decide.
fn in_memory(io: &Io) -> DuplexStream {
    let (ours, theirs) = tokio::io::duplex(64 << 10);
    let io = io.clone();
    tokio::spawn(async move { io.serve_stream(theirs, None).await });
    ours
}

type Client = client::SendRequest<Bytes>;

async fn connect(address: SocketAddr) -> (Client, JoinHandle<()>) {
    begin(TcpStream::connect(address).await.unwrap()).await
}

async fn begin(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> (Client, JoinHandle<()>) {
    begin_as(&client::Builder::new(), stream).await
}

async fn begin_as(
    how: &client::Builder,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> (Client, JoinHandle<()>) {
    let (client, connection) = soon(how.handshake(stream)).await.unwrap();
    let connection = tokio::spawn(async move { drop(connection.await) });
    let client = soon(client.ready()).await.unwrap();
    (client, connection)
}

/// Status and body of one request.
async fn ask(client: &Client, method: Method, target: &str, body: &str) -> (u16, String) {
    let mut client = soon(client.clone().ready()).await.unwrap();
    let uri = format!("http://test{target}");
    let request = Request::builder().method(method).uri(uri).body(()).unwrap();
    let (answer, mut stream) = client.send_request(request, body.is_empty()).unwrap();
    if !body.is_empty() {
        stream.send_data(Bytes::copy_from_slice(body.as_bytes()), true).unwrap();
    }
    let answer = soon(answer).await.unwrap();
    let (status, mut body) = (answer.status().as_u16(), answer.into_body());
    let mut whole = Vec::new();
    while let Some(data) = soon(body.data()).await {
        whole.extend_from_slice(&data.unwrap());
    }
    (status, String::from_utf8(whole).unwrap())
}

const POLLING: &str = "/socket.io/?EIO=4&transport=polling";
const WEBSOCKET: &str = "http://test/socket.io/?EIO=4&transport=websocket";

/// A WebSocket that is a stream.
struct Stream {
    send: SendStream<Bytes>,
    body: RecvStream,
    read: Vec<u8>,
}

/// The request for one, with these headers more.
fn extended(origin: Option<&str>, version: &str) -> Request<()> {
    let request = Request::builder().method(Method::CONNECT).uri(WEBSOCKET);
    let request = request.header("sec-websocket-version", version);
    let request = match origin {
        Some(origin) => request.header("origin", origin),
        None => request,
    };
    request.extension(Protocol::from_static("websocket")).body(()).unwrap()
}

impl Stream {
    /// Opens one, or gives the status of the refusal.
    async fn open(client: &Client, request: Request<()>) -> Result<Stream, u16> {
        let mut client = soon(client.clone().ready()).await.unwrap();
        soon(async {
            // The server's settings say that it may be asked for.
            while !client.is_extended_connect_protocol_enabled() {
                tokio::task::yield_now().await;
            }
        })
        .await;
        let (answer, send) = client.send_request(request, false).unwrap();
        let answer = soon(answer).await.unwrap();
        if answer.status() != 200 {
            return Err(answer.status().as_u16());
        }
        let mut stream = Stream { send, body: answer.into_body(), read: Vec::new() };
        assert!(stream.text().await.starts_with("0{"));
        Ok(stream)
    }

    async fn join(client: &Client) -> Stream {
        let mut stream = Stream::open(client, extended(None, "13")).await.unwrap();
        stream.say("40");
        assert!(stream.text().await.starts_with("40{"));
        stream
    }

    fn say(&mut self, text: &str) {
        let length = u8::try_from(text.len()).unwrap();
        let frame = [&[0x81, 0x80 | length, 0, 0, 0, 0], text.as_bytes()].concat();
        self.send.send_data(frame.into(), false).unwrap();
    }

    async fn more(&mut self) -> bool {
        let Some(Ok(data)) = soon(self.body.data()).await else { return false };
        self.body.flow_control().release_capacity(data.len()).unwrap();
        self.read.extend_from_slice(&data);
        true
    }

    /// The next text that is no ping.
    async fn text(&mut self) -> String {
        loop {
            let head = match self.read.get(..4) {
                Some(&[0x81, 126, high, low]) => {
                    Some((4, usize::from(high) << 8 | usize::from(low)))
                }
                Some(&[0x81, length, ..]) if length < 126 => Some((2, usize::from(length))),
                Some(other) => panic!("no short text: {other:?}"),
                None => self.read.get(1).map(|&length| (2, usize::from(length))),
            };
            if let Some((head, length)) = head
                && self.read.len() >= head + length
            {
                let text = self.read[head..head + length].to_vec();
                self.read.drain(..head + length);
                match String::from_utf8(text).unwrap() {
                    ping if ping == "2" => self.say("3"),
                    text => return text,
                }
            } else {
                assert!(self.more().await, "it has ended");
            }
        }
    }
}

#[tokio::test]
async fn a_client_polls_over_http_2_and_goes_over_to_a_websocket_on_the_same_connection() {
    let (_io, address, _) = serve(|io| io).await;
    let (client, _connection) = connect(address).await;
    let (status, open) = ask(&client, Method::GET, POLLING, "").await;
    assert_eq!(status, 200);
    let sid = open.split('"').nth(3).unwrap();
    let target = format!("{POLLING}&sid={sid}");
    assert_eq!(ask(&client, Method::POST, &target, "40").await, (200, "ok".to_owned()));
    assert!(ask(&client, Method::GET, &target, "").await.1.starts_with("40{"));
    assert_eq!(ask(&client, Method::GET, "/elsewhere", "").await.0, 404);
    let mut stream = Stream::join(&client).await;
    stream.say("420[\"version\"]");
    assert_eq!(stream.text().await, "430[\"HTTP/2.0\",true,\"test\"]");
}

#[tokio::test]
async fn clients_of_http_1_are_served_beside_those_of_http_2() {
    let (_io, address, _) = serve(|io| io).await;
    let (client, _connection) = connect(address).await;
    Stream::join(&client).await;
    let (mut one, _) = support::Client::join(address).await;
    one.send("420[\"version\"]").await;
    assert!(one.text().await.starts_with("430[\"HTTP/1.1\",true,"));
}

#[tokio::test]
async fn the_authority_is_the_server_s_own_host_for_pages() {
    let (_io, address, _) = serve(|io| io).await;
    let (client, _connection) = connect(address).await;
    Stream::open(&client, extended(Some("http://test"), "13")).await.ok().unwrap();
    let foreign = Stream::open(&client, extended(Some("http://elsewhere"), "13")).await;
    assert_eq!(foreign.err(), Some(403));
    let old = Stream::open(&client, extended(None, "7")).await;
    assert_eq!(old.err(), Some(400));
}

#[tokio::test]
async fn streams_that_are_open_do_not_delay_the_end() {
    let (io, address, serving) = serve(|io| io).await;
    let (client, connection) = connect(address).await;
    let mut stream = Stream::join(&client).await;
    let (_, open) = ask(&client, Method::GET, POLLING, "").await;
    let target = format!("{POLLING}&sid={}", open.split('"').nth(3).unwrap());
    let (polling, held) = (client.clone(), target.clone());
    let held = tokio::spawn(async move { ask(&polling, Method::GET, &held, "").await });
    io.close(HANG).await;
    soon(serving).await.unwrap();
    while stream.more().await {}
    soon(held).await.unwrap();
    drop((client, stream));
    soon(connection).await.unwrap();
}

#[tokio::test]
async fn a_thousand_streams_at_once_are_refused_past_the_limit_and_harm_nobody() {
    let (io, address, _) = serve(|io| io).await;
    let (client, _connection) = connect(address).await;
    let mut answers = Vec::new();
    let mut client = client;
    for _ in 0..1000 {
        let request = Request::get(format!("http://test{POLLING}")).body(()).unwrap();
        client = soon(client.ready()).await.unwrap();
        answers.push(client.send_request(request, true).unwrap().0);
    }
    let mut opened = 0_u64;
    for answer in answers {
        opened += u64::from(soon(answer).await.is_ok_and(|answer| answer.status() == 200));
    }
    assert!(opened >= 200, "{opened}");
    assert_eq!(io.stats().connections(), opened);
    support::Client::join(address).await;
}

/// The code of the last GOAWAY among these frames (RFC 9113, 4.1 and 6.8).
fn goodbye(mut frames: &[u8]) -> Option<u32> {
    let mut code = None;
    while let [high, middle, low, kind, _, _, _, _, _, rest @ ..] = frames {
        let length = u32::from_be_bytes([0, *high, *middle, *low]) as usize;
        let (payload, next) = rest.split_at_checked(length)?;
        if *kind == 7 {
            code = Some(u32::from_be_bytes(payload[4..8].try_into().unwrap()));
        }
        frames = next;
    }
    code
}

#[tokio::test]
async fn a_client_that_opens_streams_and_gives_them_up_at_once_is_sent_away() {
    const ENHANCE_YOUR_CALM: u32 = 11;
    let io = telling(|io| io);
    let (mut read, mut write) = tokio::io::split(in_memory(&io));
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    // GET, http, /: each opened, and reset with CANCEL.
    for stream in (1_u32..20_000).step_by(2) {
        let id = stream.to_be_bytes();
        bytes.extend([&[0, 0, 3, 1, 5][..], &id, &[0x82, 0x86, 0x84]].concat());
        bytes.extend([&[0, 0, 4, 3, 0][..], &id, &[0, 0, 0, 8]].concat());
    }
    let mut answer = Vec::new();
    let (_, read) = soon(async {
        tokio::join!(write.write_all(&bytes), read.read_to_end(&mut answer)) //
    })
    .await;
    read.unwrap();
    assert_eq!(goodbye(&answer), Some(ENHANCE_YOUR_CALM));
    Stream::join(&begin(in_memory(&io)).await.0).await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_on_which_nothing_happens_is_closed_at_the_deadline() {
    let short = Duration::from_secs(1);
    let io = telling(|io| io.header_deadline(short).answer_deadline(short));
    for said in [&b""[..], b"PRI * HT", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let begun = Instant::now();
        let mut stream = in_memory(&io);
        stream.write_all(said).await.unwrap();
        let mut answer = Vec::new();
        soon(stream.read_to_end(&mut answer)).await.unwrap();
        assert!(begun.elapsed() >= short, "{said:?}");
    }
    let (client, connection) = begin(in_memory(&io)).await;
    let mut stream = Stream::join(&client).await;
    sleep(10 * short).await;
    stream.say("420[\"version\"]");
    assert!(stream.text().await.starts_with("430"), "a WebSocket keeps its connection");
    drop((client, stream));
    soon(connection).await.unwrap();
}

/// A poll that is answered with the event `large`.
async fn large_answer(client: &Client) -> Response<RecvStream> {
    let (_, open) = ask(client, Method::GET, POLLING, "").await;
    let target = format!("{POLLING}&sid={}", open.split('"').nth(3).unwrap());
    assert_eq!(ask(client, Method::POST, &target, "40\u{1e}42[\"large\"]").await.0, 200);
    let request = Request::builder().uri(format!("http://test{target}")).body(()).unwrap();
    let mut sender = soon(client.clone().ready()).await.unwrap();
    soon(sender.send_request(request, true).unwrap().0).await.unwrap()
}

#[tokio::test]
async fn an_answer_that_nobody_takes_is_given_up_and_a_websocket_beside_it_lives_on() {
    let (io, address, _) = serve(|io| io.answer_deadline(Duration::from_millis(200))).await;
    io.of("/").on("large", async |socket: Socket| {
        socket.emit("large", &"x".repeat(500_000)).unwrap();
    });
    let mut small = client::Builder::new();
    let socket = TcpStream::connect(address).await.unwrap();
    let (client, _connection) = begin_as(small.initial_window_size(32 << 10), socket).await;
    let mut stream = Stream::join(&client).await;
    let answer = large_answer(&client).await;
    assert_eq!(answer.headers()["content-length"].to_str().unwrap().len(), 6);
    let (mut body, mut taken) = (answer.into_body(), 0);
    let given_up = loop {
        // No room is made for more than the 32 KiB that come at first.
        match soon(body.data()).await.expect("not the end") {
            Ok(data) => taken += data.len(),
            Err(error) => break error,
        }
    };
    assert!(taken < 100_000, "{taken}");
    assert_eq!(given_up.reason(), Some(h2::Reason::CANCEL));
    stream.say("420[\"version\"]");
    assert!(stream.text().await.starts_with("430"));
}

#[tokio::test]
async fn a_large_answer_is_whole_for_whoever_takes_it_slowly() {
    let (io, address, _) = serve(|io| io.answer_deadline(Duration::from_millis(500))).await;
    io.of("/").on("large", async |socket: Socket| {
        socket.emit("large", &"x".repeat(300_000)).unwrap();
    });
    let (client, _connection) = connect(address).await;
    let answer = large_answer(&client).await;
    let (mut body, mut taken) = (answer.into_body(), 0);
    while let Some(data) = soon(body.data()).await {
        let length = data.unwrap().len();
        taken += length;
        tokio::time::sleep(Duration::from_millis(50)).await;
        body.flow_control().release_capacity(length).unwrap();
    }
    assert!(taken > 300_000, "{taken}");
}
