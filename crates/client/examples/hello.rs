//! The least: connects, says something, and prints the answer.
//!
//! ```text
//! cargo run -p sockeye-client --example server      # in another window
//! cargo run -p sockeye-client --example hello       # prints: the server has counted 5 letters
//! ```

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).unwrap_or("http://localhost:3001".to_owned());
    let socket = sockeye_client::connect(&url).await?;
    let letters: usize = socket.emit_with_ack("message", "hello").await?;
    println!("the server has counted {letters} letters");
    socket.client().close().await;
    Ok(())
}
