//! What can be set of `connect` and `emit`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::value::RawValue;
use sockeye_client::Transport;

use crate::engine::transport;

/// What can be done instead of serving the chat.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Prints the events of a server as they come, and sends those that are typed.
    #[command(after_help = CONNECT_HELP)]
    Connect(Connect),
    /// Sends one event, for scripts; with --ack it waits for the answer and prints it.
    #[command(after_help = EMIT_HELP)]
    Emit(Emit),
}

const CONNECT_HELP: &str = r#"A typed line is an event:
  message "hello" {"n": 1}   its name, and JSON for each argument ("two words" if the name has blanks)
  ?who "lobby"               asks for an answer, which is printed
  !3 "yes"                   answers what was printed with !3 in front
  ["message", 1]             as the wire has it; {"event":"message","args":[1]} as --json prints it
Bytes are written and printed as {"$base64":"AQID"}; for people as <3 bytes 010203>.

At the end of its input it sends what is left, waits for the answers that were asked for, and leaves; --stay goes on
listening. From /dev/null nothing can come: it listens until Ctrl-C, or for --stay=SECONDS. What comes goes to stdout,
everything else to stderr.

A connection that is lost is made again, unless --no-reconnect says not to.

Exit codes: 0 left as it was told to, 1 something else is wrong (an option, the input), 3 unreachable or the connection was
lost, 4 refused or sent away by the server, 5 timed out."#;

const EMIT_HELP: &str = r#"An argument is JSON: 1, true, '"text"', '{"a":1}'; with --text it is text as it stands. @FILE is an attachment with the
bytes of a file, @- with those of stdin; {"$base64":"AQID"} anywhere in the JSON is one as well.

With --ack the arguments of the answer are printed as one JSON array on one line. Without it, it ends when the event has been
handed to the connection. Behind -- nothing is an option, whatever it begins with.

Exit codes: 0 sent (and answered), 1 something else is wrong (an option, an argument), 3 unreachable or the connection was
lost, 4 refused (the answer may be {"error":…}: it is printed all the same), 5 timed out."#;

#[derive(Debug, Args)]
pub(crate) struct Connect {
    #[command(flatten)]
    pub(crate) server: Server,

    /// Prints each event as one line of JSON: {"event":"news","args":[1]}.
    #[arg(long)]
    pub(crate) json: bool,

    /// Takes what is typed behind an event's name as one text, not as JSON.
    #[arg(long)]
    pub(crate) text: bool,

    /// Goes on listening after the end of the input, for so many seconds, or until Ctrl-C.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true, value_parser = seconds)]
    #[expect(clippy::option_option, reason = "not given, given alone, given with a value")]
    stay: Option<Option<Duration>>,

    /// Ends when the connection is lost, with exit code 3.
    #[arg(long)]
    pub(crate) no_reconnect: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Emit {
    #[command(flatten)]
    pub(crate) server: Server,

    /// The event.
    pub(crate) event: String,

    /// Its arguments, each of them JSON, or @FILE.
    #[arg(value_name = "JSON_ARG", allow_negative_numbers = true)]
    pub(crate) arguments: Vec<String>,

    /// Waits for the answer, and prints its arguments as one JSON array on one line.
    #[arg(long)]
    pub(crate) ack: bool,

    /// Takes the arguments as text, not as JSON.
    #[arg(long)]
    pub(crate) text: bool,
}

/// Which server, and how to get there.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(crate) struct Server {
    /// The server, such as <http://localhost:3000> or <wss://example.com/chat>; what stands in its path is the namespace.
    pub(crate) url: String,

    /// The namespace, if it does not stand in the URL.
    #[arg(short, long, value_name = "NAMESPACE")]
    pub(crate) namespace: Option<String>,

    /// What the server is told in the CONNECT packet: a JSON object, or @FILE with one, so that no secret is on the command
    /// line.
    #[arg(long, env = "SOCKEYE_AUTH", hide_env_values = true, value_name = "JSON", value_parser = auth)]
    pub(crate) auth: Option<Box<RawValue>>,

    /// A header for every request, such as 'Cookie: a=b'; may be given several times.
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = header)]
    pub(crate) headers: Vec<(String, String)>,

    /// A parameter of the address, such as token=x; may be given several times.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) query: Vec<(String, String)>,

    /// Where the server has its Socket.IO.
    #[arg(long, value_name = "PATH", default_value = "/socket.io/")]
    pub(crate) path: String,

    /// How to connect: the first is tried, and the others if the server upgrades to them.
    #[arg(long = "transport", value_name = "NAMES", value_delimiter = ',', value_parser = transport, default_value = "polling,websocket")]
    pub(crate) transports: Vec<Transport>,

    /// How many seconds connecting may take, and then each answer.
    #[arg(long, value_name = "SECONDS", default_value = "20", value_parser = seconds)]
    pub(crate) timeout: Duration,

    /// A proxy in front: <http://host:port>, <socks5://host:port>, or `env` for what the environment says (`https_proxy`,
    /// `no_proxy`, and so on).
    #[arg(long, value_name = "URL")]
    pub(crate) proxy: Option<String>,

    /// Connects to a Unix socket of this path; the URL says what the server is told.
    #[cfg(unix)]
    #[arg(long, value_name = "PATH", conflicts_with = "proxy")]
    pub(crate) unix: Option<PathBuf>,

    /// Trusts the certificates in this file (PEM) instead of those that the system trusts.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,

    /// Takes any certificate: whoever is in between can read and change everything.
    #[arg(long, conflicts_with = "ca")]
    pub(crate) insecure: bool,

    /// Shows the server the certificate in this file (PEM, those of its issuers behind it).
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) cert: Option<PathBuf>,

    /// The private key of the certificate (PEM).
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,

    /// Speaks MessagePack, as the server's parser has to.
    #[arg(long)]
    pub(crate) msgpack: bool,

    /// Speaks to a server of Socket.IO 2 (Engine.IO 3).
    #[arg(long)]
    pub(crate) eio3: bool,

    /// Says nothing on stderr but what goes wrong in the end.
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// What happens when nobody types any more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stay {
    /// What is left is sent, and that is it.
    No,
    For(Duration),
    Always,
}

impl Connect {
    pub(crate) fn stay(&self) -> Stay {
        match self.stay {
            None => Stay::No,
            Some(None) => Stay::Always,
            Some(Some(duration)) => Stay::For(duration),
        }
    }
}

fn seconds(text: &str) -> Result<Duration, &'static str> {
    const LIKE: &str = "it is a number of seconds, such as 5 or 0.5";
    let seconds: f64 = text.parse().map_err(|_| LIKE)?;
    let duration = Duration::try_from_secs_f64(seconds).map_err(|_| LIKE)?;
    if duration.is_zero() { Err(LIKE) } else { Ok(duration) }
}

fn header(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once(':').ok_or("a header looks like 'Name: value'")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

fn pair(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    if name.is_empty() { Err("it looks like name=value") } else { Ok((name.into(), value.into())) }
}

fn auth(text: &str) -> Result<Box<RawValue>, String> {
    const LIKE: &str = r#"it is a JSON object, such as {"token":"x"}, or @FILE with one"#;
    let from_file = text.strip_prefix('@').map(std::fs::read_to_string).transpose();
    let json = from_file.map_err(|problem| format!("{} cannot be read: {problem}", &text[1..]))?;
    let json: Result<Box<RawValue>, _> = serde_json::from_str(json.as_deref().unwrap_or(text));
    match json {
        Ok(auth) if auth.get().starts_with('{') => Ok(auth),
        Ok(_) => Err(LIKE.to_owned()),
        Err(problem) => Err(format!("{LIKE}: {problem}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_may_have_fractions_and_are_not_nothing() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for wrong in ["0", "-1", "soon", "nan", "1e300", ""] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn headers_and_parameters_are_split_at_the_first_sign() {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        assert_eq!(header("X-Url: http://a:1"), Ok(owned(("X-Url", "http://a:1"))));
        assert!(header("nothing").is_err());
        assert_eq!(pair("a=b=c"), Ok(owned(("a", "b=c"))));
        assert_eq!(pair("woot"), Ok(owned(("woot", ""))));
        assert!(pair("=b").is_err());
    }

    #[test]
    fn auth_is_an_object() {
        assert_eq!(auth(r#" {"token":1e400} "#).unwrap().get(), r#"{"token":1e400}"#);
        for wrong in ["1", "x", "@/no/such/file"] {
            assert!(auth(wrong).is_err(), "{wrong}");
        }
    }
}
