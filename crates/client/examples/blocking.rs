//! Without async: a program with threads, whose calls wait.
//!
//! ```text
//! cargo run -p sockeye-client --example server                             # in another window
//! cargo run -p sockeye-client --example blocking --features blocking       # says three things, and hears them
//! ```

use std::thread;

use sockeye_client::blocking::{self, Error};

fn main() -> Result<(), Error> {
    let url = std::env::args().nth(1).unwrap_or("http://localhost:3001".to_owned());
    let chat = blocking::connect(&url)?;

    let listener = chat.clone();
    let listener = thread::spawn(move || -> Result<(), Error> {
        while let Some(event) = listener.recv()? {
            println!("heard: {} {:?}", event.name, event.args.json());
        }
        Ok(())
    });
    for text in ["good morning", "good day", "good night"] {
        let letters: usize = chat.emit_with_ack("message", text)?;
        println!("said: {text}, {letters} letters");
    }
    chat.disconnect();
    listener.join().expect("no panic")
} // the last handle closes the connection, and ends the client's thread
