//! A handler of the server is one of the client, and the other way round: only its `use` line says where it belongs.

mod support;

use serde_json::{Value, json};
use support::server;
use support::talk::{meet, stranger};

/// The very same handlers, for one face or the other.
macro_rules! handlers {
    ($module:ident, $face:ident) => {
        mod $module {
            use std::sync::Arc;

            use $face::{AckSender, Args, Data, Error, Event, Result, Socket, State};

            pub(crate) type Name = Arc<str>;

            pub(crate) async fn add(Data((a, b)): Data<(i64, i64)>) -> i64 {
                a + b
            }

            pub(crate) async fn divide(
                _: Socket,
                State(name): State<Name>,
                Data((a, b)): Data<(i64, i64)>,
            ) -> Result<i64> {
                let nothing = || Error::new(format!("{name} does not divide by nothing"));
                a.checked_div(b).ok_or_else(nothing)
            }

            pub(crate) async fn echo(Event(name): Event, args: Args, ack: AckSender) {
                assert_eq!(name, "echo");
                let _ = ack.send(&args);
            }
        }
    };
}

handlers!(here, sockeye_client);
handlers!(there, sockeye);

#[tokio::test(start_paused = true)]
async fn the_same_handlers_answer_on_both_sides() {
    let io = sockeye::Io::builder().state(there::Name::from("ada")).build().unwrap();
    io.of("/").on("add", there::add).on("divide", there::divide).on("echo", there::echo);
    let client = support::Wire::to(&io)
        .builder("http://in-memory")
        .state(here::Name::from("ada"))
        .build()
        .unwrap();
    let socket = client.socket();
    socket.on("add", here::add).on("divide", here::divide).on("echo", here::echo);
    let served = meet(&io, &socket).await;
    let cases = [("add", json!(9)), ("divide", json!(2)), ("echo", json!(6))];
    for (event, expected) in cases {
        let here: Value = served.emit_with_ack(event, &(6, 3)).await.unwrap();
        let there: Value = socket.emit_with_ack(event, &(6, 3)).await.unwrap();
        assert_eq!((&here, &there), (&expected, &expected), "{event}");
    }
    let here: Value = served.emit_with_ack("divide", &(1, 0)).await.unwrap();
    assert_eq!(here["error"]["message"], "ada does not divide by nothing");
    let refused = socket.emit_with_ack::<Value>("divide", &(1, 0)).await.unwrap_err();
    assert!(refused.to_string().contains("ada does not divide by nothing"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn the_types_that_handlers_name_are_the_same_ones() {
    let io = server();
    let (_client, socket) = stranger(&io);
    let served = meet(&io, &socket).await;
    let args: sockeye::Args = sockeye_client::Args::new(&("a", 1)).unwrap();
    served.emit("a", &args).unwrap();
    let received: sockeye::Args = socket.recv().await.unwrap().args;
    assert_eq!(received, args);
}
