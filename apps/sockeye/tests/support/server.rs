//! A server for the program to be a client of, in this process.
#![allow(dead_code, unreachable_pub)] // each test file uses its part

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Mutex;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::{Value, json};
use sockeye::{AckSender, Args, Builder, Data, Error, Io, Namespace, Result, Socket};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// A server with the namespaces of [`assemble`], until it is dropped.
pub struct Server {
    pub port: u16,
    pub io: Io,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub fn start() -> Self {
        Server::with(|builder| builder)
    }

    pub fn with(set: impl FnOnce(Builder) -> Builder) -> Self {
        Server::at(0, set)
    }

    /// Port 0 is any.
    pub fn at(port: u16, set: impl FnOnce(Builder) -> Builder) -> Self {
        let io = assemble(set(Io::builder()));
        let (stop, stopped) = oneshot::channel::<()>();
        let (tell, listening) = std::sync::mpsc::channel();
        let served = io.clone();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                tokio::select! {
                    served = served.serve_listener(listener) => served.unwrap(),
                    _ = stopped => served.close(Duration::from_secs(5)).await,
                }
            });
        });
        let address: SocketAddr = listening.recv().unwrap();
        Server { port: address.port(), io, stop: Some(stop), thread: Some(thread) }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The server of this name, where TLS is spoken.
    pub fn url_tls(&self) -> String {
        format!("https://localhost:{}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(thread::panicking() || ended.is_some_and(|ended| ended.is_ok()));
    }
}

/// | namespace   | does                                                                      |
/// |-------------|---------------------------------------------------------------------------|
/// | `/`, `/chat` | the events of [`register`]                                                |
/// | `/auth`     | the same for those with the token `secret`; refuses others, with data      |
/// | `/hello`    | emits `hello` 1 to whoever comes, `question` 2 with ack, and what it was answered as `answered` |
fn assemble(builder: Builder) -> Io {
    let io = builder.build().unwrap();
    register(&io.of("/"));
    register(&io.of("/chat"));
    let auth = io.of("/auth");
    auth.middleware(async |socket: Socket| {
        let auth: Value = socket.handshake().auth()?;
        if auth["token"] == "secret" {
            return Ok(());
        }
        Err(Error::new("not authorized").with_data(&json!({"code": "E_AUTH"})))
    });
    register(&auth);
    io.of("/hello").on_connect(async |socket: Socket| -> Result<()> {
        socket.emit("hello", &1)?;
        let answer: Args = socket.emit_with_ack("question", &2).await?;
        socket.emit("answered", &answer)?;
        Ok(())
    });
    io
}

fn register(namespace: &Namespace) {
    // A handler that waited instead would hold up the end of the server.
    let unanswered = Mutex::new(Vec::new());
    namespace
        .on("echo", async |socket: Socket, args: Args| socket.emit("echo-back", &args).map(drop))
        .on("echo-ack", async |args: Args| args)
        .on("fail", async || -> Result<()> { Err(Error::new("it does not go")) })
        .on("silence", move |ack: AckSender| {
            unanswered.lock().unwrap().push(ack);
            async {}
        })
        .on("kick", async |socket: Socket| {
            socket.disconnect(false);
        })
        .on("cut", async |socket: Socket| socket.close_transport())
        .on("all", async |namespace: Namespace, args: Args| namespace.emit("all", &args).map(drop))
        .on("known", async |socket: Socket| -> Result<Value> {
            let handshake = socket.handshake();
            Ok(json!({
                "auth": handshake.auth::<Value>()?,
                "query": handshake.query_value("a").as_deref(),
                "header": handshake.header("x-a"),
                "transport": socket.transport().as_str(),
                "namespace": socket.namespace().name(),
                "revision": handshake.protocol(),
            }))
        })
        .on("burst", async |socket: Socket, Data(count): Data<usize>| -> Result<()> {
            for index in 0..count {
                socket.emit("burst", &index)?;
            }
            Ok(())
        })
        .on("hostile", async |socket: Socket| {
            socket.emit("\u{1b}]0;owned\u{7}", &"\u{9b}2J\u{202e}").map(drop)
        });
}
