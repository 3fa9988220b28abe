//! Profile `bench`: the least that a load generator needs, all of it relayed raw.
//!
//! `NAMESPACES=N` in the environment adds the namespaces `/ns-00000` to `/ns-…`, which answer `message` as `/` does: what do
//! namespaces cost that are merely there? `DURABLE=memory`, `async` or `fsync` makes the namespace `/` durable, with a log in
//! the directory for temporary files: what does it cost that nothing is missed? `EIO3`, `DEFLATE` and `LIMITS` turn on what clients of
//! the bench make no use of: what does it cost to offer it?

use sockeye::{
    Args, Builder, Data, Durability, Io, Log, LogOptions, PerMessageDeflate, Rate, Socket,
};

use crate::{Result, listen, ready, serve};

pub(crate) async fn run(port: u16, workers: usize) -> Result<()> {
    let io = io(workers)?;
    let listener = listen(port).await?;
    io.service()?; // an incomplete server is found before it says that it is ready
    ready("bench", port);
    serve(vec![(io, listener)], workers).await
}

fn io(workers: usize) -> Result<Io> {
    let builder = offers(Io::builder().any_origin().http_compression(None));
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

/// What the variables turn on.
fn offers(builder: Builder) -> Builder {
    let is_on = |name: &str| std::env::var_os(name).is_some();
    let builder = builder
        .allow_eio3(is_on("EIO3"))
        .per_message_deflate(is_on("DEFLATE").then(PerMessageDeflate::default));
    if !is_on("LIMITS") {
        return builder;
    }
    let never = Rate::per_second(1_000_000_000);
    builder
        .max_connections_per_address(1_000_000)
        .handshake_rate_per_address(never)
        .handshake_rate(never)
        .event_rate(never)
        .byte_rate(never)
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
