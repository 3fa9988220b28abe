//! Profile `client`: the server that the test suite of npm `socket.io-client` expects.

mod namespaces;

use sockeye::Io;

use crate::{listen, ready, serve};

pub(crate) async fn run(port: u16, workers: usize) -> crate::Result<()> {
    let io = namespaces::assemble(Io::builder().any_origin().workers(workers))?;
    io.service()?; // an incomplete server is found before it says that it is ready
    let servers = vec![(io, listen(port).await?)];
    ready("client", port);
    serve(servers, workers).await
}
