//! The face for programs without a runtime, over TCP: the server has a thread of its own, as it would elsewhere.

use std::net::TcpListener;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use sockeye::{Data as Said, Io, Reason, Socket as Served};
use sockeye_client::blocking::{self, Client, Error, Socket};
use sockeye_client::{AckError, ConnectError, Data, EmitError};

/// A server on a thread of its own; dropped, it is gone.
struct Server {
    url: String,
    io: Io,
    runtime: Option<tokio::runtime::Runtime>,
    /// What its sockets say and do.
    heard: Receiver<String>,
}

impl Server {
    fn start() -> Server {
        let io = Io::builder().build().unwrap();
        let (hear, heard) = mpsc::channel();
        let (left, asked) = (hear.clone(), hear.clone());
        io.of("/")
            .on("note", move |Said(note): Said<String>| {
                let hear = hear.clone();
                async move { hear.send(note).unwrap() }
            })
            .on("double", async |Said(number): Said<u64>| number * 2)
            .on("silence", move || {
                let asked = asked.clone();
                async move {
                    asked.send("asked".to_owned()).unwrap();
                    std::future::pending::<()>().await;
                }
            })
            .on("say", async |socket: Served, Said(number): Said<usize>| -> sockeye::Result<()> {
                (0..number).try_for_each(|number| socket.emit("said", &number).map(drop))?;
                Ok(())
            })
            .on(
                "relay",
                async |socket: Served, Said(pair): Said<(i64, i64)>| -> sockeye::Result<i64> {
                    Ok(socket.emit_with_ack("add", &pair).await?)
                },
            )
            .on_disconnect(move |Reason(reason): Reason| {
                let left = left.clone();
                async move { drop(left.send(format!("left: {reason}"))) }
            });
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let served = io.clone();
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            served.serve_listener(listener).await
        });
        Server { url, io, runtime: Some(runtime), heard }
    }

    fn client(&self) -> Client {
        Client::builder(&self.url).reconnection(false).build_blocking().unwrap()
    }

    fn connected(&self) -> Socket {
        let socket = self.client().socket();
        socket.connect().unwrap();
        socket
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let io = self.io.clone();
        let runtime = self.runtime.take().unwrap();
        runtime.block_on(async move { io.close(Duration::from_secs(1)).await });
        runtime.shutdown_background();
    }
}

fn refuses<T: std::fmt::Debug>(outcome: Result<T, Error>) {
    let error = outcome.unwrap_err();
    assert!(matches!(error, Error::InsideRuntime), "{error}");
    assert!(error.to_string().contains("inside of an async runtime"), "{error}");
}

#[test]
fn a_program_without_a_runtime_connects_sends_asks_and_hears() {
    let server = Server::start();
    let socket = blocking::connect(&server.url).unwrap();
    assert!(socket.is_connected() && socket.id().is_some());
    socket.emit("note", "hello").unwrap();
    assert_eq!(server.heard.recv().unwrap(), "hello");
    assert_eq!(socket.emit_with_ack::<u64>("double", &21).unwrap(), 42);
    socket.emit_reliably("say", &2).unwrap();
    for expected in 0..2 {
        let event = socket.recv().unwrap().unwrap();
        assert_eq!((&*event.name, event.args.parse::<u64>().unwrap()), ("said", expected));
    }
}

#[test]
fn several_threads_share_a_socket_and_each_gets_its_own_answers() {
    let server = Server::start();
    let socket = server.connected();
    thread::scope(|scope| {
        for thread in 0..4u64 {
            let socket = &socket;
            scope.spawn(move || {
                for number in (thread * 1000)..(thread * 1000 + 50) {
                    let double: u64 = socket.emit_with_ack("double", &number).unwrap();
                    assert_eq!(double, number * 2);
                }
            });
        }
    });
}

#[test]
fn of_several_threads_that_wait_one_gets_an_event() {
    let server = Server::start();
    let socket = server.connected();
    let (got, all) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..3 {
            let (socket, got) = (socket.clone(), got.clone());
            scope.spawn(move || {
                while let Some(event) = socket.recv().unwrap() {
                    got.send(event.args.parse::<u64>().unwrap()).unwrap();
                }
            });
        }
        socket.emit("say", &30).unwrap();
        let mut numbers: Vec<_> = all.iter().take(30).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..30).collect::<Vec<_>>());
        socket.disconnect();
    });
    assert!(all.try_recv().is_err(), "nothing comes twice");
}

#[test]
fn a_handler_answers_while_its_program_waits() {
    let server = Server::start();
    let socket = server.client().socket();
    socket.on("add", async |Data((a, b)): Data<(i64, i64)>| a + b);
    socket.connect().unwrap();
    assert_eq!(socket.emit_with_ack::<i64>("relay", &(2, 3)).unwrap(), 5);
}

#[test]
fn waiting_ends_with_its_time_and_loses_nothing() {
    let server = Server::start();
    let socket = server.connected();
    let short = Duration::from_millis(20);
    assert!(matches!(socket.recv_timeout(short), Err(Error::Timeout)));
    let silence = socket.emit_with_ack_timeout::<()>("silence", &(), short);
    assert!(matches!(silence, Err(Error::Ack(AckError::Timeout))), "{silence:?}");
    socket.emit("say", &1).unwrap();
    let event = socket.recv_timeout(Duration::MAX).unwrap().unwrap();
    assert_eq!(event.args.parse::<u64>().unwrap(), 0);
}

#[test]
fn whoever_waits_is_told_when_the_server_is_gone() {
    let server = Server::start();
    let socket = server.connected();
    thread::scope(|scope| {
        let recv = scope.spawn(|| socket.recv());
        let asked = scope.spawn(|| socket.emit_with_ack::<()>("silence", &()));
        assert_eq!(server.heard.recv().unwrap(), "asked");
        drop(server);
        assert!(recv.join().unwrap().unwrap().is_none());
        let asked = asked.join().unwrap();
        assert!(matches!(asked, Err(Error::Ack(_))), "{asked:?}");
    });
    let again = socket.connect();
    assert!(matches!(again, Err(Error::Connect(ConnectError::Unreachable(_)))), "{again:?}");
}

#[test]
fn whoever_waits_is_told_when_another_thread_closes_the_client() {
    let server = Server::start();
    let socket = server.connected();
    thread::scope(|scope| {
        let recv = scope.spawn(|| socket.recv());
        let timed = scope.spawn(|| socket.recv_timeout(Duration::from_hours(1)));
        socket.client().close().unwrap();
        assert!(recv.join().unwrap().unwrap().is_none());
        assert!(timed.join().unwrap().unwrap().is_none());
    });
    assert!(matches!(socket.connect(), Err(Error::Connect(ConnectError::Closed))));
    assert!(matches!(socket.emit("note", "late"), Err(Error::Emit(EmitError::Closed))));
    let asked = socket.emit_with_ack::<()>("silence", &());
    assert!(matches!(asked, Err(Error::Ack(AckError::Emit(EmitError::Closed)))), "{asked:?}");
}

#[test]
fn the_last_handle_sends_what_waits_and_leaves_nothing_behind() {
    let server = Server::start();
    let kept = Arc::new(());
    let builder = Client::builder(&server.url).state(Arc::clone(&kept));
    let socket = builder.build_blocking().unwrap().socket();
    // Even a handler that holds its own socket does not hold it up.
    let held = socket.as_async().clone();
    socket.as_async().on("x", move || {
        let _held = held.clone();
        async {}
    });
    socket.connect().unwrap();
    for number in 0..100 {
        socket.emit("note", &number.to_string()).unwrap();
    }
    drop(socket);
    assert_eq!(Arc::strong_count(&kept), 1, "the thread, its runtime and the settings are gone");
    for number in 0..100 {
        assert_eq!(server.heard.recv().unwrap(), number.to_string());
    }
    assert_eq!(server.heard.recv().unwrap(), "left: client namespace disconnect");
}

#[test]
fn a_thread_that_waits_keeps_the_client_when_all_others_have_dropped_it() {
    let server = Server::start();
    let (client, ready) = (server.client(), Arc::new(Barrier::new(2)));
    let socket = client.socket();
    socket.connect().unwrap();
    let theirs = Arc::clone(&ready);
    let last = thread::spawn(move || {
        theirs.wait();
        let event = socket.recv().unwrap();
        event.map(|event| event.name)
    });
    drop(client);
    ready.wait();
    server.io.of("/").emit("still here", &()).unwrap();
    assert_eq!(last.join().unwrap().as_deref(), Some("still here"));
    assert_eq!(server.heard.recv().unwrap(), "left: client namespace disconnect");
}

#[test]
fn inside_of_a_runtime_there_are_words_instead_of_a_wait() {
    let server = Server::start();
    let socket = server.connected();
    let fresh = server.client();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        refuses(blocking::connect(&server.url));
        refuses(fresh.socket().connect());
        refuses(socket.emit("note", "never sent"));
        refuses(socket.emit_reliably("note", "never sent"));
        refuses(socket.emit_with_ack::<u64>("double", &1));
        refuses(socket.emit_with_ack_timeout::<u64>("double", &1, Duration::MAX));
        refuses(socket.recv());
        refuses(socket.recv_timeout(Duration::MAX));
        refuses(socket.client().wait(std::future::pending::<()>()));
        // What does not wait is done.
        fresh.socket().start();
        drop(fresh);
        refuses(socket.client().close());
        drop(socket);
    });
    assert_eq!(server.heard.recv().unwrap(), "left: client namespace disconnect");
}

#[test]
fn a_handler_that_waits_for_its_own_thread_is_told() {
    let server = Server::start();
    let socket = server.client().socket();
    let (told, words) = mpsc::channel();
    let own = socket.clone();
    socket.on("said", move || {
        let (own, told) = (own.clone(), told.clone());
        async move { told.send(own.emit_with_ack::<u64>("double", &1)).unwrap() }
    });
    socket.connect().unwrap();
    socket.emit("say", &1).unwrap();
    refuses(words.recv().unwrap());
    // The handler holds its socket, and goes with it.
    socket.client().close().unwrap();
}

#[test]
fn a_server_that_says_nothing_is_waited_for_so_long() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let short = Duration::from_millis(50);
    let client = Client::builder(&url).connect_timeout(short).build_blocking().unwrap();
    let error = client.socket().connect().unwrap_err();
    assert!(matches!(error, Error::Connect(ConnectError::TimedOut { .. })), "{error}");
    let nobody = client.socket().emit_with_ack_timeout::<()>("x", &(), short);
    assert!(matches!(nobody, Err(Error::Ack(AckError::Timeout))), "{nobody:?}");
    client.close().unwrap();
}
