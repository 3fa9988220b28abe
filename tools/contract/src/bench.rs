//! Profile `bench`: the least that a load generator needs, all of it relayed raw.
//!
//! `NAMESPACES=N` in the environment adds the namespaces `/ns-00000` to `/ns-…`, which answer `message` as `/` does: what do
//! namespaces cost that are merely there? `DURABLE=memory`, `async` or `fsync` makes the namespace `/` durable, with a log in
//! the directory for temporary files: what does it cost that nothing is missed?

use sockeye::{Args, Data, Durability, Io, Log, LogOptions, Socket};

use crate::{Result, listen, ready, serve};

pub(crate) async fn run(port: u16, workers: usize) -> Result<()> {
    let io = io(workers)?;
    let listener = listen(port).await?;
    io.service()?; // an incomplete server is found before it says that it is ready
    ready("bench", port);
    serve(vec![(io, listener)], workers).await
}

fn io(workers: usize) -> Result<Io> {
    let builder = Io::builder().any_origin().http_compression(None);
    let io = builder.workers(workers).log(log()?).build()?;
    if let Some(class) = durable()? {
        io.of("/").durable(class);
    }
    io.of("/")
        .on("message", message)
        .on("message-with-ack", async |args: Args| args)
        .on("broadcast", broadcast)
        .on("join", async |socket: Socket, Data(room): Data<String>| socket.join(room).map(drop))
        .on("say", say);
    for number in 0..namespaces()? {
        io.of(&format!("/ns-{number:05}")).on("message", message);
    }
    Ok(io)
}

fn durable() -> Result<Option<Durability>> {
    Ok(match std::env::var("DURABLE").as_deref() {
        Err(_) => None,
        Ok("memory") => Some(Durability::Memory),
        Ok("async") => Some(Durability::Async),
        Ok("fsync") => Some(Durability::Fsync),
        Ok(other) => {
            return Err(format!("DURABLE is `{other}`: memory, async or fsync is expected").into());
        }
    })
}

fn log() -> Result<Log> {
    Ok(match durable()? {
        None | Some(Durability::Memory) => Log::memory(LogOptions::default()),
        Some(_) => Log::open(std::env::temp_dir().join("log"))?,
    })
}

fn namespaces() -> Result<u32> {
    std::env::var("NAMESPACES").map_or(Ok(0), |count| {
        count.parse().map_err(|_| format!("NAMESPACES is `{count}`, which is no number").into())
    })
}

async fn message(socket: Socket, args: Args) -> sockeye::Result<()> {
    socket.emit("message-back", &args)?;
    Ok(())
}

async fn broadcast(io: Io, args: Args) -> sockeye::Result<()> {
    io.emit("news", &args)?;
    Ok(())
}

async fn say(io: Io, Data(room): Data<String>, args: Args) -> sockeye::Result<()> {
    io.to(room).emit("said", &args.get(1).unwrap_or_default())?;
    Ok(())
}
