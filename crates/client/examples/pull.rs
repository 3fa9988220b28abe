//! Asks for events instead of registering handlers: the whole conversation is one loop, with what it knows in plain variables.
//!
//! ```text
//! cargo run -p sockeye-client --example server      # in another window
//! cargo run -p sockeye-client --example pull        # prints five numbers, and answers with their sum
//! ```

use std::error::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).unwrap_or("http://localhost:3001".to_owned());
    let socket = sockeye_client::connect(&url).await?;
    socket.emit("count", &5).await?;

    let mut sum = 0;
    while let Some(event) = socket.recv().await {
        match &*event.name {
            "number" => {
                let number: u64 = event.args.parse()?;
                println!("number {number}");
                sum += number;
            }
            "sum" => {
                println!("the server asks for the sum: {sum}");
                event.ack.send(&sum)?;
                // What was said before is sent first.
                socket.disconnect();
            }
            other => println!("{other}: {:?}", event.args),
        }
    }
    socket.client().close().await;
    Ok(())
}
