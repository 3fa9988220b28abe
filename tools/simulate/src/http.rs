//! Requests of a page, one after the other on the same wire.

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream};

pub(crate) struct Http(BufReader<DuplexStream>);

impl Http {
    pub(crate) fn new(wire: DuplexStream) -> Self {
        Http(BufReader::new(wire))
    }

    /// Comes back with the body of the answer. `None` if there is none, or the server does not agree.
    pub(crate) async fn ask(
        mut self,
        method: &'static str,
        path: String,
        body: String,
    ) -> Option<(Self, String)> {
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.1\r\nHost: server\r\nContent-Length: {length}");
        self.0.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await.ok()?;
        let length = self.head().await?;
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await.ok()?;
        Some((self, String::from_utf8(body).ok()?))
    }

    /// The length of what follows.
    async fn head(&mut self) -> Option<usize> {
        let status = self.line().await?;
        let mut length = 0;
        loop {
            let line = self.line().await?.to_ascii_lowercase();
            match line.split_once(':') {
                None => return status.starts_with("HTTP/1.1 200").then_some(length),
                Some(("content-length", value)) => length = value.trim().parse().ok()?,
                Some(_) => {}
            }
        }
    }

    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.0.read_line(&mut line).await.ok()?;
        (read > 0).then(|| line.trim_end().to_owned())
    }
}
