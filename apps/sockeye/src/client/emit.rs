//! `sockeye emit`: one event, and perhaps its answer.

use std::io::{self, Write as _};

use socket_proto::event::is_reserved;
use sockeye_client::{AckError, Args, EmitError, Socket};

use super::arguments::{Arguments, array};
use super::dial;
use super::failure::{Failure, Kind};
use super::options::Emit;
use super::show;

pub(super) async fn run(options: &Emit) -> Result<(), Failure> {
    let args = arguments(options)?.into_args()?;
    name(&options.event)?;
    let (client, socket) = dial::prepare(&options.server, false)?;
    dial::connect(&socket, &options.server).await?;
    let outcome = if options.ack {
        ask(options, &socket, &args).await
    } else {
        let sent = socket.emit(&options.event, &args).await;
        sent.map_err(|error| Failure::from(error.to_string()))
    };
    client.close().await;
    outcome
}

/// Nobody has to be asked for a name that is the protocol's own.
fn name(event: &str) -> Result<(), String> {
    if is_reserved(event) {
        return Err(EmitError::Reserved { event: event.to_owned() }.to_string());
    }
    Ok(())
}

async fn ask(options: &Emit, socket: &Socket, args: &Args) -> Result<(), Failure> {
    let timeout = options.server.timeout;
    let answer = socket.emit_with_ack::<Args>(&options.event, args).timeout(timeout).await;
    match answer {
        Ok(answer) => print(&array(&answer)),
        // An answer all the same.
        Err(AckError::Refused(refused)) => {
            print(&array(&show::error(&refused)))?;
            Err(Failure::new(Kind::Refused, format!("`{}` is refused: {refused}", options.event)))
        }
        Err(error) => Err(dial::unanswered(&options.event, &error, timeout)),
    }
}

fn arguments(options: &Emit) -> Result<Arguments, String> {
    let mut arguments = Arguments::default();
    for word in &options.arguments {
        if options.text {
            arguments.push_text(word);
        } else {
            arguments.push_word(word)?;
        }
    }
    Ok(arguments)
}

/// A reader who is gone is no error: he has what he wanted.
fn print(line: &str) -> Result<(), Failure> {
    match writeln!(io::stdout().lock(), "{line}") {
        Err(problem) if problem.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(Kind::Other, format!("stdout cannot be written: {problem}")))
        }
        _ => Ok(()),
    }
}
