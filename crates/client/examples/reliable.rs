//! Orders that arrive, whatever happens to this program, the network or the server: each line that is typed is one.
//!
//! ```text
//! cargo run -p sockeye-client --example reliable --features outbox
//! tea
//! ```
//!
//! prints `on the disk: tea`, though there is no server yet. Kill it now (`kill -9`), and start it again, with a server:
//!
//! ```text
//! cargo run -p sockeye-client --example server      # in another window
//! cargo run -p sockeye-client --example reliable --features outbox
//! ```
//!
//! It finds one order of an earlier run, and the server prints `ordered: tea`, once. At the end of its input (`^D`) it waits until all
//! has arrived. Orders are kept in `./sockeye-outbox`; another URL and another directory may be named.

use std::error::Error;
use std::io::BufRead;
use std::time::Duration;

use sockeye_client::{Client, DurableOutbox, Retries};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().unwrap_or("http://localhost:3001/shop".to_owned());
    let directory = arguments.next().unwrap_or("sockeye-outbox".to_owned());

    let outbox = DurableOutbox::open(directory)?;
    println!("orders of an earlier run: {}", outbox.len());
    let client = Client::builder(&url)
        .outbox(outbox)
        // An attempt without an answer in three seconds is one of a million.
        .retries(Retries::default().timeout(Duration::from_secs(3)).attempts(1_000_000))
        .build()?;
    let shop = client.socket();
    // It stays at it, in the background; what was not answered is sent as soon as there is a server.
    shop.start();

    let (typed, mut lines) = tokio::sync::mpsc::channel(16);
    std::thread::spawn(move || {
        let lines = std::io::stdin().lock().lines().map_while(Result::ok);
        lines.for_each(|line| drop(typed.blocking_send(line)));
    });
    while let Some(line) = lines.recv().await {
        shop.reliably().emit("order", &line).await?;
        println!("on the disk: {line}");
    }
    // Reliable events arrive in their order.
    let (): () = shop.reliably().emit_with_ack("that is all", &()).await?;
    println!("all has arrived");
    client.close().await;
    Ok(())
}
