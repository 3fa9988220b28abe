//! A server on several threads, each with a runtime and connections of its own.

mod support;

use std::net::{SocketAddr, TcpListener};
use std::thread::JoinHandle;
use std::time::Duration;

use sockeye::{BuildError, Data, Io, Result, ServeError, Socket, threads};
use support::{Client, Notes, Polling, io, with_sync};

const DEADLINE: Duration = Duration::from_secs(5);

/// A chat on two workers, with an address on each.
fn on_two_threads() -> (Io, [SocketAddr; 2], Vec<JoinHandle<()>>) {
    let io = io(|io| io.workers(2));
    with_sync(&io);
    io.of("/").on_connect(async |socket: Socket| -> Result<()> {
        socket.join("lobby")?;
        Ok(())
    });
    io.of("/").on("say", async |io: Io, Data(line): Data<u32>| -> Result<()> {
        io.to("lobby").emit("said", &line)?;
        Ok(())
    });
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let addresses = [0, 1].map(|number| listeners[number].local_addr().unwrap());
    let start = |(number, listener): (usize, TcpListener)| {
        listener.set_nonblocking(true).unwrap();
        let io = io.clone();
        threads::spawn(number, move || async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            io.serve_listener(listener).await.unwrap();
            // Until the sessions of this thread have said goodbye.
            while io.stats().connections() > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .unwrap()
    };
    let running = listeners.into_iter().enumerate().map(start).collect();
    (io, addresses, running)
}

#[tokio::test]
async fn a_room_is_one_room_whatever_thread_its_members_are_on() {
    let (io, addresses, threads) = on_two_threads();
    let mut clients = Vec::new();
    for number in 0..6 {
        clients.push(Client::join(addresses[number % 2]).await.0);
    }
    for round in 0..100 {
        clients[round % 6].send(&format!("42[\"say\",{round}]")).await;
        for client in &mut clients {
            client.expect(&format!("42[\"said\",{round}]")).await;
        }
    }
    assert_eq!(io.to("lobby").count().await.unwrap(), 6);
    io.close(DEADLINE).await;
    assert_eq!(io.stats().connections(), 0);
    for thread in threads {
        thread.join().unwrap();
    }
}

#[tokio::test]
async fn what_comes_from_another_thread_keeps_its_order_and_finds_the_members_of_its_time() {
    let (io, [home, away], threads) = on_two_threads();
    io.of("/").on("go", async |io: Io, Data(other): Data<String>| -> Result<()> {
        let other = io.socket(&other).expect("it is there");
        for round in 0..500 {
            io.to("lobby").except(other.id()).emit("not for it", &round)?;
            other.emit("n", &(3 * round))?;
            io.to("lobby").emit("n", &(3 * round + 1))?;
            other.leave("lobby")?;
            io.to("lobby").emit("missed", &round)?;
            other.join("lobby")?;
            other.to("lobby").emit("own", &round)?;
            io.emit("n", &(3 * round + 2))?;
        }
        Ok(())
    });
    let (mut here, _) = Client::join(home).await;
    let (_neighbour, _) = Client::join(away).await;
    let (mut there, id) = Client::join(away).await;
    here.send(&format!("42[\"go\",\"{id}\"]")).await;
    for number in 0..1500 {
        there.expect(&format!("42[\"n\",{number}]")).await;
    }
    io.close(DEADLINE).await;
    for thread in threads {
        thread.join().unwrap();
    }
}

#[tokio::test]
async fn a_socket_that_is_disconnected_from_another_thread_has_heard_everything_before() {
    let (io, [home, away], threads) = on_two_threads();
    io.of("/").on("go", async |io: Io, Data(other): Data<String>| -> Result<()> {
        let other = io.socket(&other).expect("it is there");
        for round in 0..100 {
            io.to("lobby").emit("n", &round)?;
        }
        other.disconnect(true);
        io.to("lobby").emit("n", "too late for it")?;
        Ok(())
    });
    let (mut here, _) = Client::join(home).await;
    let (mut there, id) = Client::join(away).await;
    here.send(&format!("42[\"go\",\"{id}\"]")).await;
    for number in 0..100 {
        there.expect(&format!("42[\"n\",{number}]")).await;
    }
    there.expect("41").await;
    assert!(there.rest().await.is_empty());
    io.close(DEADLINE).await;
    for thread in threads {
        thread.join().unwrap();
    }
}

#[tokio::test]
async fn a_handler_that_blocks_its_thread_delays_nobody_on_another_one() {
    let (io, [home, away], threads) = on_two_threads();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let blocked = Notes::new();
    let notes = std::sync::Arc::clone(&blocked);
    io.of("/").on("block", move || {
        notes.add("it blocks");
        let waited = released.lock().unwrap().recv();
        async move { waited.is_ok() }
    });
    let (mut here, _) = Client::join(home).await;
    let (mut there, _) = Client::join(away).await;
    here.send("421[\"block\"]").await;
    assert_eq!(blocked.next().await, "it blocks");
    for round in 0..100 {
        there.send(&format!("42[\"say\",{round}]")).await;
        there.expect(&format!("42[\"said\",{round}]")).await;
    }
    let (mut newcomer, _) = Client::join(away).await;
    newcomer.sync().await;
    release.send(()).unwrap();
    let mut packets = Vec::new();
    for _ in 0..=100 {
        packets.push(here.text().await);
    }
    assert!(packets.contains(&"431[true]".to_owned()), "{packets:?}");
    io.close(DEADLINE).await;
    for thread in threads {
        thread.join().unwrap();
    }
}

#[tokio::test]
async fn a_polling_client_may_come_to_another_thread_with_each_request() {
    let (io, [home, away], threads) = on_two_threads();
    let polling = Polling::open(home, "/socket.io/").await;
    let elsewhere = polling.at(away);
    elsewhere.post("40").await;
    assert!(polling.get().await.starts_with("40{\"sid\":"));
    for round in 0..20 {
        elsewhere.post(&format!("42[\"say\",{round}]")).await;
        let here = if round % 2 == 0 { &polling } else { &elsewhere };
        assert_eq!(here.get().await, format!("42[\"said\",{round}]"));
    }
    io.close(DEADLINE).await;
    for thread in threads {
        thread.join().unwrap();
    }
}

#[tokio::test]
async fn run_serves_on_every_worker_until_close_is_done() {
    let io = io(|io| io.workers(3));
    with_sync(&io);
    let (address, running) = run(&io);
    let _clients = crowd(address).await;
    io.close(DEADLINE).await;
    running.join().unwrap().unwrap();
    assert_eq!(io.stats().connections(), 0);
}

/// A server of three workers that `run` serves, and its address.
fn run(io: &Io) -> (SocketAddr, JoinHandle<std::result::Result<(), ServeError>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let io = io.clone();
    (address, std::thread::spawn(move || io.run_listener(listener)))
}

/// Twenty clients, each of whom the server has answered.
async fn crowd(address: SocketAddr) -> Vec<Client> {
    let mut clients = Vec::new();
    for _ in 0..20 {
        let (mut client, _) = Client::join(address).await;
        client.sync().await;
        clients.push(client);
    }
    clients
}

#[tokio::test]
async fn the_rooms_of_all_workers_are_listed_together() {
    let io = io(|io| io.workers(3));
    with_sync(&io);
    io.of("/").on_connect(async |socket: Socket| socket.join("lobby").map(drop));
    let (address, running) = run(&io);
    let _clients = crowd(address).await;
    assert_eq!(io.of("/").rooms(), [("lobby".to_owned(), 20)].into());
    io.close(DEADLINE).await;
    running.join().unwrap().unwrap();
}

#[tokio::test]
async fn what_was_sent_before_close_reaches_the_clients_of_every_worker() {
    for _ in 0..5 {
        let io = io(|io| io.workers(3));
        with_sync(&io);
        let (address, running) = run(&io);
        let mut clients = crowd(address).await;
        assert_eq!(io.emit("bye", &()).unwrap().recipients(), 20);
        let closing = io.clone();
        let closing = tokio::spawn(async move { closing.close(DEADLINE).await });
        for client in &mut clients {
            client.expect("42[\"bye\"]").await;
        }
        drop(clients);
        closing.await.unwrap();
        running.join().unwrap().unwrap();
    }
}

#[tokio::test]
async fn run_returns_also_if_a_handler_awaits_close_or_whoever_awaits_it_gives_up() {
    let io = io(|io| io.workers(2));
    let quit = async |io: Io| io.close(Duration::from_millis(300)).await;
    io.of("/").on("quit", quit);
    let (address, running) = run(&io);
    let (mut client, _) = Client::join(address).await;
    client.send("42[\"quit\"]").await;
    tokio::task::spawn_blocking(|| running.join().unwrap().unwrap()).await.unwrap();

    let io = support::io(|io| io.workers(2));
    io.of("/").on("hang", async || std::future::pending::<()>().await);
    let (address, running) = run(&io);
    let (mut client, _) = Client::join(address).await;
    client.send("421[\"hang\"]").await;
    let _ = tokio::time::timeout(Duration::from_millis(200), io.close(DEADLINE)).await;
    tokio::task::spawn_blocking(|| running.join().unwrap().unwrap()).await.unwrap();
}

#[test]
fn a_busy_address_and_a_senseless_number_of_workers_are_refused_in_one_sentence() {
    let busy = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = busy.local_addr().unwrap();
    let refused = Io::builder().build().unwrap().run(address).unwrap_err();
    assert!(matches!(&refused, ServeError::Listen { .. }), "{refused}");
    assert!(refused.to_string().starts_with(&format!("cannot listen on {address}: ")), "{refused}");
    for workers in [0, 257] {
        let refused = Io::builder().workers(workers).build().unwrap_err();
        assert!(matches!(refused, BuildError::Option { option: "workers", .. }), "{refused}");
    }
}
