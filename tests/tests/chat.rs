//! The chat as a program, from outside: what pages by polling hear.

use std::process::{Child, Command, Stdio};

use serde_json::Value;
use sockeye_tests::client::{Polling, SOCKET_IO};
use sockeye_tests::program::{build, first_line};

/// A running chat; it is killed when this is dropped.
struct Chat {
    process: Child,
    port: u16,
}

impl Chat {
    fn start() -> Self {
        let mut process = Command::new(build("sockeye-cli", "sockeye"))
            .args(["--host", "127.0.0.1", "--port", "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the chat starts");
        let line = first_line(&mut process);
        let port = line.as_deref().and_then(|line| line.rsplit(':').next()?.parse().ok());
        Chat { process, port: port.unwrap_or_else(|| panic!("no address: {line:?}")) }
    }

    /// Comes in under this name, and goes into the lobby.
    fn enter(&self, name: &str) -> Polling {
        let page = Polling::open(self.port, SOCKET_IO);
        page.post(&format!(r#"40{{"name":"{name}","key":"the secret of {name}"}}"#));
        page.post(r#"42["join",{"room":"lobby"}]"#);
        up_to(&page, |event, about| event == "room" && about["room"] == "lobby");
        page
    }
}

impl Drop for Chat {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Polls until an event is the one that is waited for; returns all up to it, with their first arguments.
fn up_to(page: &Polling, is_last: impl Fn(&str, &Value) -> bool) -> Vec<(String, Value)> {
    let mut events: Vec<(String, Value)> = Vec::new();
    loop {
        for packet in page.packets(1) {
            let Some(event) = packet.strip_prefix("42") else { continue };
            let event = serde_json::from_str(event).expect("an event with one argument");
            events.push(event);
        }
        if events.iter().any(|(event, about)| is_last(event, about)) {
            return events;
        }
    }
}

/// How many people are in a room, as it was told to everybody.
fn told_of(room: &str, events: &[(String, Value)]) -> Vec<Value> {
    let listings =
        events.iter().filter(|(event, about)| event == "listing" && about["room"] == room);
    listings.map(|(_, about)| about["people"].clone()).collect()
}

#[test]
fn a_page_between_two_polls_misses_no_room_that_is_made_or_left() {
    let chat = Chat::start();
    let reader = chat.enter("Ada");
    // From here on the reader does not poll.
    let maker = chat.enter("Bo");
    let is_listed = |people: u64| {
        move |event: &str, about: &Value| {
            event == "listing" && about["room"] == "brook" && about["people"] == people
        }
    };
    maker.post(r#"42["join",{"room":"brook"}]"#);
    up_to(&maker, is_listed(1));
    maker.post(r#"42["leave",{"room":"brook"}]"#);
    up_to(&maker, is_listed(0));
    maker.post(r#"42["leave",{"room":"lobby"}]"#);
    let heard = up_to(&reader, |event, _| event == "gone");
    assert_eq!(told_of("brook", &heard), [1, 0], "{heard:?}");
}
