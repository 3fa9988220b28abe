//! The client on the command line: `sockeye connect` and `sockeye emit`.
//!
//! | the question                                         | the file               |
//! |------------------------------------------------------|------------------------|
//! | What can be set?                                     | `options`              |
//! | How is the server found, and what does its no mean?  | `dial`                 |
//! | What do they do?                                     | `connect`, `emit`      |
//! | What does a typed line mean?                         | `line`, `typed`        |
//! | How are arguments written and shown?                 | `arguments`, `text`    |
//! | What is printed when something comes?                | `show`, `out`          |
//! | How does it end?                                     | `failure`              |

mod arguments;
mod connect;
mod dial;
mod emit;
mod failure;
mod line;
mod options;
mod out;
mod show;
mod text;
mod typed;

use std::process::ExitCode;

use failure::Failure;
pub(crate) use options::Command;

/// Does what was asked for, and says how it ended.
pub(crate) fn run(command: &Command) -> ExitCode {
    if std::env::var_os("RUST_LOG").is_some() {
        crate::log_to_stderr();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended =
        runtime.map_err(|error| format!("the system lets no runtime start: {error}").into());
    let ended: Result<(), Failure> = ended.and_then(|runtime| {
        runtime.block_on(async {
            match command {
                Command::Connect(options) => connect::run(options).await,
                Command::Emit(options) => emit::run(options).await,
            }
        })
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(),
    }
}
