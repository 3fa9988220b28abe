//! The chat, in a terminal: talks with those who have its page open.
//!
//! ```text
//! cargo run --release                                       # in another window: the chat on http://localhost:3000
//! cargo run -p sockeye-client --example chat -- Ada         # and another room, and another URL, if you like
//! ```
//!
//! It prints what was said in the room, and what is said; each line that is typed is said. Kill the server, go on
//! talking, and start it again: what was typed meanwhile arrives, once and in order, and so does what others have said.

use std::error::Error;
use std::io::BufRead;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sockeye_client::{Client, Data, DisconnectReason, Reason, Result, Retries, Socket, State};

#[derive(Clone, Serialize)]
struct Room {
    room: String,
}

#[derive(Deserialize)]
struct Person {
    name: String,
}

#[derive(Deserialize)]
struct Message {
    person: Person,
    text: String,
}

#[derive(Deserialize)]
struct Said {
    message: Message,
}

#[derive(Deserialize)]
struct Here {
    person: Person,
}

/// The answer to `join`.
#[derive(Deserialize)]
struct Joined {
    people: Vec<Person>,
    messages: Vec<Said>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or("guest".to_owned());
    let room = arguments.next().unwrap_or("lobby".to_owned());
    let url = arguments.next().unwrap_or("http://localhost:3000".to_owned());

    // Who knows the key is the same person, on whatever connection.
    let client = Client::builder(&url)
        .auth(&json!({ "name": name, "key": random_uuid() }))
        .state(Room { room: room.clone() })
        // A message has an id of its own, by which the chat knows one that comes twice.
        .retries(Retries::default().without_key())
        .build()?;
    let chat = client.socket();
    chat.on("message", async |Data(Said { message }): Data<Said>| show(&message))
        .on("here", async |Data(Here { person }): Data<Here>| println!("* {} is here", person.name))
        .on_connect(enter)
        .on_disconnect(left);
    chat.start();

    let mut lines = typed_lines();
    while let Some(text) = lines.recv().await {
        let message = json!({ "room": room, "id": random_uuid(), "text": text });
        chat.reliably().emit("message", &message).await?;
    }
    // All that was said has arrived when the chat has answered what is asked behind it.
    let _: serde_json::Value = chat.reliably().emit_with_ack("leave", &Room { room }).await?;
    client.close().await;
    Ok(())
}

/// Goes into the room. A session that the server has kept is in it still, and is told by itself what it has missed.
async fn enter(socket: Socket, State(room): State<Room>) -> Result<()> {
    if socket.recovered() {
        println!("* connected again; nothing was missed");
        return Ok(());
    }
    let Joined { people, messages } = socket.emit_with_ack("join", &room).await?;
    for Said { message } in &messages {
        show(message);
    }
    let names: Vec<_> = people.into_iter().map(|person| person.name).collect();
    println!("* in {} are {}", room.room, names.join(", "));
    Ok(())
}

async fn left(Reason(reason): Reason) {
    if reason != DisconnectReason::ClientDisconnect {
        println!("* disconnected ({reason}); what is said now is sent later");
    }
}

fn show(Message { person, text }: &Message) {
    println!("{}: {text}", person.name);
}

/// What is typed; a thread of its own waits for it.
fn typed_lines() -> tokio::sync::mpsc::Receiver<String> {
    let (typed, lines) = tokio::sync::mpsc::channel(16);
    std::thread::spawn(move || {
        let lines = std::io::stdin().lock().lines().map_while(std::result::Result::ok);
        lines.for_each(|line| drop(typed.blocking_send(line)));
    });
    lines
}

fn random_uuid() -> String {
    let digits = format!("{:032x}", rand::random::<u128>());
    let part = |from, to| &digits[from..to];
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}
