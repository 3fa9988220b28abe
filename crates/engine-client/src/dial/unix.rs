//! A Unix socket instead of host and port.

use std::path::Path;

use tokio::net::UnixStream;

use super::Stream;
use crate::EngineError;

pub(super) async fn connect(path: &Path) -> Result<Stream, EngineError> {
    let stream = UnixStream::connect(path).await;
    let stream =
        stream.map_err(|problem| EngineError::dial(path.display().to_string(), problem))?;
    Ok(Stream::new(stream))
}
