//! What the server gets as an answer.

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use sockeye::Socket as Served;
use sockeye_client::{AckSender, Args, Bytes, Data, Error, Result, Socket};
use support::server;
use support::talk::{Heard, meet, stranger};

async fn ask(served: &Served, event: &str) -> Value {
    let answer = served.emit_with_ack::<Value>(event, &json!(7)).timeout(Duration::from_secs(5));
    answer.await.unwrap_or_else(|error| json!(error.to_string()))
}

fn failed(words: &str) -> Value {
    json!({ "error": { "message": words } })
}

#[tokio::test(start_paused = true)]
async fn a_value_that_is_returned_is_the_answer() {
    let io = server();
    let (_client, socket) = stranger(&io);
    socket
        .on("nothing", async || {})
        .on("value", async |Data(n): Data<u32>| n + 1)
        .on("two", async || (1, "two"))
        .on("args", async |args: Args| args)
        .on("bytes", async || Bytes::from_static(&[1, 2]))
        .on("later", async || {
            tokio::time::sleep(Duration::from_secs(1)).await;
            "later"
        });
    let served = meet(&io, &socket).await;
    assert_eq!(ask(&served, "value").await, json!(8));
    assert_eq!(ask(&served, "args").await, json!(7));
    assert_eq!(ask(&served, "later").await, json!("later"));
    served.emit_with_ack::<()>("nothing", &()).await.unwrap();
    let two: (u8, String) = served.emit_with_ack("two", &()).await.unwrap();
    assert_eq!(two, (1, "two".to_owned()));
    let bytes: bytes::Bytes = served.emit_with_ack("bytes", &()).await.unwrap();
    assert_eq!(bytes, [1, 2][..]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_answered_with_its_words() {
    let io = server();
    let (_client, socket) = stranger(&io);
    socket
        .on("error", async || -> Result<()> {
            Err(Error::new("no").with_data(&json!({ "code": 1 })))
        })
        .on("question mark", async || -> Result<u8> { Ok("x".parse::<u8>()?) })
        .on("text", async || Err::<(), _>("just words".to_owned()))
        .on("wrong", async |Data(_): Data<String>| {});
    let served = meet(&io, &socket).await;
    let answer = ask(&served, "error").await;
    assert_eq!(answer, json!({ "error": { "message": "no", "data": { "code": 1 } } }));
    assert_eq!(ask(&served, "question mark").await, failed("invalid digit found in string"));
    assert_eq!(ask(&served, "text").await, failed("just words"));
    let wrong = ask(&served, "wrong").await.to_string();
    assert!(wrong.contains("argument 1: invalid type"), "{wrong}");
    assert_eq!(ask(&served, "nobody").await, failed("nobody handles `nobody`"));
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_answered_and_harms_nobody_else() {
    let io = server();
    let (_client, socket) = stranger(&io);
    socket
        .on("at once", async |_: Socket| -> u8 { panic!("at once") })
        .on("later", async || -> u8 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            panic!("later")
        })
        .on("by hand", async |_ack: AckSender| -> u8 { panic!("by hand") })
        .on("fine", async || 1);
    let served = meet(&io, &socket).await;
    for event in ["at once", "later", "by hand"] {
        assert_eq!(ask(&served, event).await, failed("the handler panicked"), "{event}");
    }
    assert_eq!(ask(&served, "fine").await, json!(1));
}

#[tokio::test(start_paused = true)]
async fn an_answer_by_hand_may_come_from_anywhere_and_a_dropped_sender_answers_with_an_error() {
    let io = server();
    let (_client, socket) = stranger(&io);
    socket
        .on("elsewhere", async |ack: AckSender| {
            assert!(ack.wanted());
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_secs(1)).await;
                ack.send(&"from elsewhere")
            });
        })
        .on("refused", async |ack: AckSender| ack.send_error("not now"))
        .on("dropped", async |_ack: AckSender| "what is returned does not count")
        .on("unsendable", async |ack: AckSender| {
            let bad = std::collections::HashMap::from([(vec![1], 1)]);
            assert!(ack.send(&bad).unwrap_err().to_string().contains("the answer"));
        })
        .on("behind", async |_ack: AckSender, Data(_): Data<String>| {});
    let served = meet(&io, &socket).await;
    assert_eq!(ask(&served, "elsewhere").await, json!("from elsewhere"));
    assert_eq!(ask(&served, "refused").await, failed("not now"));
    assert_eq!(ask(&served, "dropped").await, failed("the handler gave no answer"));
    assert!(ask(&served, "unsendable").await.to_string().contains("the answer"));
    assert!(ask(&served, "behind").await.to_string().contains("argument 1"));
}

#[tokio::test(start_paused = true)]
async fn the_first_of_several_handlers_that_says_something_answers() {
    let io = server();
    let (_client, socket) = stranger(&io);
    socket
        .on("a", async || {})
        .on("a", async || {
            tokio::time::sleep(Duration::from_secs(1)).await;
            "slow"
        })
        .on("a", async || "quick")
        .on("silent", async || {})
        .on("silent", async |_ack: AckSender| {});
    let served = meet(&io, &socket).await;
    assert_eq!(ask(&served, "a").await, json!("quick"));
    served.emit_with_ack::<()>("silent", &()).await.expect("an answer without arguments");
}

/// Says when it is dropped.
struct Dropped(Heard);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.note("dropped");
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_does_not_come_to_its_end_is_dropped_and_answered_for() {
    let io = server();
    let wire = support::Wire::to(&io);
    let client =
        wire.builder("http://in-memory").handler_timeout(Duration::from_secs(2)).build().unwrap();
    let socket = client.socket();
    let heard = Heard::default();
    let note = heard.clone();
    socket.on("stuck", move || {
        let held = Dropped(note.clone());
        async move {
            std::future::pending::<()>().await;
            drop(held);
        }
    });
    let served = meet(&io, &socket).await;
    assert_eq!(ask(&served, "stuck").await, failed("the handler did not finish in time"));
    assert_eq!(heard.all(), ["dropped"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_a_session_that_is_over_goes_nowhere() {
    let io = server();
    let wire = support::Wire::to(&io);
    let client = wire.client();
    let socket = client.socket();
    let kept: std::sync::Arc<std::sync::Mutex<Option<AckSender>>> = std::sync::Arc::default();
    let keep = kept.clone();
    socket.on("keep", move |ack: AckSender| {
        *keep.lock().unwrap() = Some(ack);
        std::future::ready(())
    });
    let served = meet(&io, &socket).await;
    let asked = served.emit_with_ack::<Value>("keep", &());
    support::soon(|| kept.lock().unwrap().is_some()).await;
    wire.cut();
    support::until(&socket, |state| !state.is_connected()).await;
    let served = meet(&io, &socket).await;
    let ack = kept.lock().unwrap().take().unwrap();
    assert!(!ack.wanted());
    ack.send(&"too late").unwrap();
    assert!(asked.await.is_err());
    // The next question has the same id, and must not get that answer.
    assert_eq!(ask(&served, "nobody").await, failed("nobody handles `nobody`"));
}

#[tokio::test(start_paused = true)]
async fn a_question_is_answered_once_however_many_have_something_to_say() {
    let (wire, mut accepted) = support::Wire::raw();
    let socket = wire.websocket_client().socket();
    socket.on("ask", async || 1).on("ask", async || 2);
    socket.start();
    let mut script = support::Script::open(&mut accepted).await;
    assert_eq!(script.hear().await.as_deref(), Some("40"));
    script.say(r#"40{"sid":"a"}"#).await;
    for id in 7..10 {
        script.say(&format!(r#"42{id}["ask"]"#)).await;
        assert_eq!(script.hear().await, Some(format!("43{id}[1]")));
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_given_while_the_client_reconnects_goes_nowhere_and_its_question_may_be_asked_again()
 {
    let (wire, mut accepted) = support::Wire::raw();
    let socket = wire.websocket_client().socket();
    let (gate, heard) = (std::sync::Arc::new(tokio::sync::Semaphore::new(0)), Heard::default());
    let (wait, note) = (gate.clone(), heard.clone());
    socket.on("ask", move |Data(number): Data<u32>| {
        let (wait, note) = (wait.clone(), note.clone());
        note.note(format!("asked {number}"));
        async move {
            wait.acquire().await.unwrap().forget();
            note.note(format!("answered {number}"));
            number
        }
    });
    socket.start();
    let mut script = support::Script::open(&mut accepted).await;
    assert_eq!(script.hear().await.as_deref(), Some("40"));
    script.say(r#"40{"sid":"a"}"#).await;
    script.say(r#"427["ask",1]"#).await;
    heard.wait_for(1).await;
    drop(script);
    support::until(&socket, |state| !state.is_connected()).await;
    gate.add_permits(1);
    assert_eq!(heard.wait_for(2).await[1], "answered 1", "the handler is not cut short");
    let mut script = support::Script::open(&mut accepted).await;
    assert_eq!(script.hear().await.as_deref(), Some("40"));
    script.say(r#"40{"sid":"b"}"#).await;
    // The same number is another question here.
    script.say(r#"427["ask",2]"#).await;
    gate.add_permits(1);
    assert_eq!(script.hear().await.as_deref(), Some("437[2]"));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_waits_when_the_connection_breaks_is_not_sent_over_the_next() {
    let (wire, mut accepted) = support::Wire::raw();
    let socket = wire.websocket_client().socket();
    socket.on("ask", async |Data(number): Data<u32>| "x".repeat((1 << 20) * number as usize));
    socket.start();
    let mut script = support::Script::open(&mut accepted).await;
    assert_eq!(script.hear().await.as_deref(), Some("40"));
    script.say(r#"40{"sid":"a"}"#).await;
    // More than is written while nobody reads.
    for id in 1..=3 {
        script.say(&format!(r#"42{id}["ask",1]"#)).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(script);
    let mut script = support::Script::open(&mut accepted).await;
    assert_eq!(script.hear().await.as_deref(), Some("40"));
    script.say(r#"40{"sid":"b"}"#).await;
    script.say(r#"424["ask",0]"#).await;
    assert_eq!(script.hear().await.as_deref(), Some(r#"434[""]"#));
}

#[tokio::test(start_paused = true)]
async fn each_handler_that_does_not_come_to_its_end_is_dropped_in_its_own_time() {
    let io = server();
    let wire = support::Wire::to(&io);
    let client =
        wire.builder("http://in-memory").handler_timeout(Duration::from_secs(2)).build().unwrap();
    let socket = client.socket();
    socket.on("stuck", std::future::pending::<()>);
    let served = meet(&io, &socket).await;
    let first = served.clone();
    let first = tokio::spawn(async move { ask(&first, "stuck").await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(ask(&served, "stuck").await, failed("the handler did not finish in time"));
    assert_eq!(first.await.unwrap(), failed("the handler did not finish in time"));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_given_while_the_client_reconnects_is_sent_in_the_session_that_goes_on() {
    let (wire, mut accepted) = support::Wire::raw();
    let socket = wire.websocket_client().socket();
    let (gate, heard) = (std::sync::Arc::new(tokio::sync::Semaphore::new(0)), Heard::default());
    let (wait, note) = (gate.clone(), heard.clone());
    socket.on("ask", move |Data(number): Data<u32>| {
        let (wait, note) = (wait.clone(), note.clone());
        async move {
            wait.acquire().await.unwrap().forget();
            note.note(number.to_string());
            number
        }
    });
    socket.start();
    let mut script = support::Script::open(&mut accepted).await;
    assert_eq!(script.hear().await.as_deref(), Some("40"));
    script.say(r#"40{"sid":"a","pid":"p"}"#).await;
    for id in 7..=9 {
        script.say(&format!(r#"42{id}["ask",{id}]"#)).await;
    }
    gate.add_permits(1);
    assert_eq!(script.hear().await.as_deref(), Some("437[7]"));
    drop(script);
    support::until(&socket, |state| !state.is_connected()).await;
    gate.add_permits(1);
    assert_eq!(heard.wait_for(2).await[1], "8");
    let mut script = support::Script::open(&mut accepted).await;
    assert_eq!(script.hear().await.as_deref(), Some(r#"40{"pid":"p"}"#));
    script.say(r#"40{"sid":"a","pid":"p"}"#).await;
    assert_eq!(script.hear().await.as_deref(), Some("438[8]"), "it has waited");
    gate.add_permits(1);
    assert_eq!(script.hear().await.as_deref(), Some("439[9]"));
}
