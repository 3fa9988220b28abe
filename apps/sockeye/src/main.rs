//! `sockeye`: the chat, ready to run. This file wires; the rules are elsewhere.
//!
//! | the question                                  | the file     |
//! |-----------------------------------------------|--------------|
//! | What can be set?                              | `options`, `engine` |
//! | Where is kept what is said?                   | `keep`       |
//! | On which addresses is there somebody?         | `addresses`  |
//! | How do requests reach the chat and its page?  | `site`       |
//! | How does it use several cores?                | `workers`    |
//! | What is shown to whoever watches it?          | `metrics`, `exposition` |
//! | What ends it, or renews its certificate?      | `signals`    |
//! | What is it as a client, without the chat?     | `client`     |

#![forbid(unsafe_code)]

mod addresses;
mod client;
mod engine;
mod exposition;
mod keep;
mod metrics;
mod options;
mod signals;
mod site;
mod workers;

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use chat::Chat;
use sockeye::{Builder, Io, Log, PerMessageDeflate, Tls};
use tokio::sync::watch;

use crate::metrics::Metrics;
use crate::options::Options;
use crate::signals::Signals;
use crate::site::Site;
use crate::workers::{Workers, serve_all};

/// How long clients and their handlers are waited for at the end.
const GOODBYE: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let outcome = Options::read().and_then(|options| match options {
        Some(Options { command: Some(command), .. }) => Ok(client::run(&command)),
        Some(options) => run(&options).map(|()| ExitCode::SUCCESS),
        None => Ok(ExitCode::SUCCESS),
    });
    match outcome {
        Ok(ended) => ended,
        Err(problem) => {
            eprintln!("sockeye: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), String> {
    log_to_stderr();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("the system lets no runtime start: {error}"))?;
    runtime.block_on(serve(options))
}

async fn serve(options: &Options) -> Result<(), String> {
    let mut signals =
        Signals::listen().map_err(|error| format!("signals cannot be listened to: {error}"))?;
    let cores = options.workers();
    // First: a second program that is started by mistake leaves the log alone.
    let tls = tls(options)?;
    let open = addresses::open(options).await?;
    let log = keep::open(options)?;
    let io = Chat::open(builder(options).log(log.clone())).map_err(|error| error.to_string())?;
    let site = Site::around(&io, options, tls.clone()).map_err(|error| error.to_string())?;
    let metrics = match options.metrics {
        Some(address) => Some(Metrics::start(&io, address).await?),
        None => None,
    };
    let (stop, stopped) = watch::channel(());
    let mut workers = Workers::start(cores, &open.listeners, &site, &stopped)
        .map_err(|error| format!("the system lets no thread start: {error}: try --workers 1"))?;
    let mut serving = std::pin::pin!(serve_all(open.listeners, &site, &stopped));
    greet(options, &open.shown, &log);
    if let Some((_, address)) = &metrics {
        say(&format!("Metrics are at http://{address}/metrics"));
    }
    tokio::select! {
        () = signals.end(|| renew(tls.as_ref())) => {}
        served = &mut serving => return served,
        problem = workers.failure() => return Err(problem),
    }
    say(&format!("Saying goodbye{}. Once more, and it ends at once.", over(options.drain())));
    if let Some((metrics, _)) = &metrics {
        metrics.leave();
    }
    let goodbye = async {
        if !options.drain().is_zero() {
            io.drain(options.drain(), GOODBYE).await;
        }
        drop(stop);
        tokio::join!(io.close(GOODBYE), serving)
    };
    tokio::select! {
        () = signals.end(|| ()) => Err("ended at once: not every client has been told".to_owned()),
        _ = goodbye => {
            workers.finish();
            log.close();
            Ok(())
        }
    }
}

/// Reads the certificate, if TLS is to be spoken.
fn tls(options: &Options) -> Result<Option<Tls>, String> {
    let files = options.tls().map(|(certificate, key)| Tls::from_files(certificate, key));
    files.transpose().map_err(|error| error.to_string())
}

/// Reads the certificate again. One that cannot be used is said, and the old one stays.
fn renew(tls: Option<&Tls>) {
    match tls.map(Tls::reload) {
        Some(Ok(())) => say("New connections get the certificate that is in its file now."),
        Some(Err(problem)) => {
            let _ = writeln!(io::stderr(), "sockeye: the old certificate stays: {problem}");
        }
        None => say("There is no certificate to be read again."),
    }
}

/// Says something. Whoever has started the program may be gone, with the terminal: that ends
/// nothing.
fn say(sentence: &str) {
    let _ = writeln!(io::stdout(), "{sentence}");
}

fn over(window: Duration) -> String {
    match window.as_secs() {
        0 => String::new(),
        seconds => format!(", over {seconds} s at most"),
    }
}

fn builder(options: &Options) -> Builder {
    let builder = Io::builder().workers(options.workers()).away_timeout(options.away());
    let proxies = options.trust_forwarded_for.clone();
    let builder = builder.allow_origins(&options.allow_origin).trust_forwarded_for(proxies);
    let builder = options.engine.set(options.limits.set(builder));
    let deflate = options.deflate.then(PerMessageDeflate::default);
    let builder = builder.per_message_deflate(deflate);
    match &options.client_files {
        Some(package) => builder.client_files(package),
        None => builder,
    }
}

fn greet(options: &Options, shown: &str, log: &Log) {
    say(&format!("The chat is open: {shown}"));
    say(&keep::sentence(log, options.directory()));
    say("Open it in two windows and talk. Ctrl-C ends it, --help lists what can be set.");
}

fn log_to_stderr() {
    use tracing_subscriber::filter::{EnvFilter, LevelFilter};
    let filter =
        EnvFilter::builder().with_default_directive(LevelFilter::WARN.into()).from_env_lossy();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
