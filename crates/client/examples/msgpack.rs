//! MessagePack instead of text, with a server that speaks it too: bytes stand in the packet itself, wherever they are.
//!
//! ```text
//! cargo run -p sockeye-client --example server      # in another window
//! cargo run -p sockeye-client --example msgpack     # prints: the server has 4 bytes of sunset.png
//! ```

use std::error::Error;

use sockeye_client::{Bytes, Client, Msgpack};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).unwrap_or("http://localhost:3002".to_owned());
    let client = Client::builder(&url).parser(Msgpack).build()?;
    let socket = client.socket();
    socket.connect().await?;

    let picture = ("sunset.png", Bytes::from_static(b"\x89PNG"));
    let length: usize = socket.emit_with_ack("picture", &picture).await?;
    println!("the server has {length} bytes of {}", picture.0);
    client.close().await;
    Ok(())
}
