//! In which order what the server says is heard, and what is not heard any more.

mod support;

use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use sockeye_client::{Data, Reason, Socket, SocketState};
use support::talk::Heard;
use support::{Script, Wire, server, until};
use tokio::time::sleep;

/// A socket of a server that has let it in once, and whose connection was lost; it is asked to let it in again.
async fn again(
    wire: &Wire,
    accepted: &mut tokio::sync::mpsc::UnboundedReceiver<tokio::io::DuplexStream>,
) -> (Socket, Script) {
    let socket = wire.websocket_client().socket();
    socket.start();
    let mut script = Script::open(accepted).await;
    script.hear().await;
    script.say(r#"40{"sid":"a","pid":"p"}"#).await;
    until(&socket, SocketState::is_connected).await;
    drop(script);
    let mut script = Script::open(accepted).await;
    assert!(script.hear().await.unwrap().contains(r#""pid":"p""#));
    (socket, script)
}

#[tokio::test(start_paused = true)]
async fn what_comes_before_the_answer_to_connect_is_heard_behind_it_and_before_all_else() {
    let (wire, mut accepted) = Wire::raw();
    let (socket, mut script) = again(&wire, &mut accepted).await;
    let heard = Heard::default();
    let (connects, missed) = (heard.clone(), heard.clone());
    socket.on_connect(move |socket: Socket| {
        connects.note(format!("connected, recovered {}", socket.recovered()));
        async {}
    });
    socket.on("missed", move |socket: Socket, Data(number): Data<u32>| {
        missed.note(format!("{number}, connected {}", socket.is_connected()));
        async {}
    });
    for number in 1..=3 {
        script.say(&format!(r#"42["missed",{number},"offset{number}"]"#)).await;
    }
    sleep(Duration::from_secs(1)).await;
    assert_eq!(heard.all(), [""; 0], "nothing before the answer");
    script.say(r#"40{"sid":"a","pid":"p"}"#).await;
    script.say(r#"42["missed",4,"offset4"]"#).await;
    let expected = ["1, connected true", "2, connected true", "3, connected true"];
    let all = heard.wait_for(5).await;
    assert_eq!(all[..3], expected);
    assert_eq!(all[3..], ["connected, recovered true", "4, connected true"]);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_disconnects_hears_nothing_more() {
    let (wire, mut accepted) = Wire::raw();
    let (socket, mut script) = again(&wire, &mut accepted).await;
    let heard = Heard::default();
    let (events, ends) = (heard.clone(), heard.clone());
    socket.on("event", move |socket: Socket, Data(number): Data<u32>| {
        events.note(number.to_string());
        if number == 2 {
            socket.disconnect();
        }
        async {}
    });
    socket.on_disconnect(move |Reason(reason): Reason| {
        ends.note(reason.as_str());
        async {}
    });
    // Some of it comes before the answer, some in the same breath.
    script.say(r#"42["event",1]"#).await;
    script.say(r#"40{"sid":"a","pid":"p"}"#).await;
    for number in 2..10 {
        script.say(&format!(r#"42["event",{number}]"#)).await;
    }
    sleep(Duration::from_secs(10)).await;
    assert_eq!(heard.all(), ["1", "2", "io client disconnect"]);
    assert!(!socket.is_active());
}

#[tokio::test(start_paused = true)]
async fn who_disconnects_while_the_connection_is_lost_hears_of_the_end_once() {
    let (wire, mut accepted) = Wire::raw();
    let (socket, mut script) = again(&wire, &mut accepted).await;
    let heard = Heard::default();
    let ends = heard.clone();
    socket.on("event", async |socket: Socket| socket.disconnect());
    socket.on_disconnect(move |Reason(reason): Reason| {
        ends.note(reason.as_str());
        async {}
    });
    script.say(r#"40{"sid":"a","pid":"p"}"#).await;
    until(&socket, SocketState::is_connected).await;
    // The event and the end come in one read.
    script.say(r#"42["event"]"#).await;
    drop(script);
    sleep(Duration::from_mins(10)).await;
    assert_eq!(heard.all(), ["io client disconnect"]);
    assert_eq!((socket.is_active(), wire.dialled()), (false, 2));
}

/// Whatever happens, a user is told of connections and their ends in turn, each once.
#[test]
fn connections_and_their_ends_are_told_in_turn() {
    for seed in 0..30 {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().start_paused(true).build().unwrap();
        runtime.block_on(life(seed));
    }
}

async fn life(seed: u64) {
    let mut random = SmallRng::seed_from_u64(seed);
    let wire = Wire::to(&server());
    let client = wire.client();
    let socket = client.socket();
    let heard = Heard::default();
    let (begins, ends) = (heard.clone(), heard.clone());
    socket.on_connect(move || {
        begins.note("connected");
        async {}
    });
    socket.on_disconnect(move |Reason(_): Reason| {
        ends.note("disconnected");
        async {}
    });
    for _ in 0..200 {
        match random.random_range(0..10) {
            0..4 => socket.start(),
            4..7 => socket.disconnect(),
            7 => wire.cut(),
            _ => {}
        }
        for _ in 0..random.random_range(0..8) {
            tokio::task::yield_now().await;
        }
        if random.random_bool(0.5) {
            sleep(Duration::from_millis(random.random_range(0..800))).await;
        }
    }
    socket.disconnect();
    sleep(Duration::from_mins(2)).await;
    let all = heard.all();
    assert!(all.len() > 20 && all.len().is_multiple_of(2), "seed {seed}: {}", all.len());
    for (at, words) in all.iter().enumerate() {
        let expected = if at % 2 == 0 { "connected" } else { "disconnected" };
        assert_eq!(words, expected, "seed {seed}, at {at}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_disconnects_while_the_connection_is_lost_hears_nothing_of_what_still_waits_for_its_handler()
 {
    let (wire, mut accepted) = Wire::raw();
    let socket = wire.websocket_client_with(|builder| builder.max_unfinished_events(1)).socket();
    let heard = Heard::default();
    let gate = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    let (note, wait) = (heard.clone(), gate.clone());
    socket.on("event", move |Data(number): Data<u32>| {
        note.note(number.to_string());
        let wait = wait.clone();
        async move { wait.acquire().await.unwrap().forget() }
    });
    socket.start();
    let mut script = Script::open(&mut accepted).await;
    script.hear().await;
    script.say(r#"40{"sid":"a","pid":"p"}"#).await;
    for number in 1..4 {
        script.say(&format!(r#"42["event",{number}]"#)).await;
    }
    heard.wait_for(1).await;
    sleep(Duration::from_secs(1)).await;
    drop(script);
    until(&socket, |state| !state.is_connected()).await;
    socket.disconnect();
    gate.add_permits(10);
    sleep(Duration::from_secs(10)).await;
    assert_eq!(heard.all(), ["1"]);
}
