//! Several namespaces over one connection, each with its own handlers and credentials.
//!
//! ```text
//! cargo run -p sockeye-client --example server        # in another window
//! cargo run -p sockeye-client --example namespaces    # prints a headline; is refused, and let in with a token
//! ```

use std::error::Error;

use serde_json::json;
use sockeye_client::{Client, ConnectError, Data};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).unwrap_or("http://localhost:3001".to_owned());
    let client = Client::builder(&url).auth(&json!({ "token": "a guess" })).build()?;

    let news = client.of("/news");
    news.on("headline", async |Data(headline): Data<String>| println!("news: {headline}"));
    news.connect().await?;

    let admin = client.of("/admin");
    match admin.connect().await {
        Err(ConnectError::Refused(no)) => println!("admin: refused, {}", no.message),
        other => return Err(format!("let in by guessing: {other:?}").into()),
    }
    admin.set_auth(&json!({ "token": "let me in" }))?;
    admin.connect().await?;

    let readers: usize = admin.emit_with_ack("readers", &()).await?;
    println!("admin: {readers} read the news");
    client.close().await;
    Ok(())
}
