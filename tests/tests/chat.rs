//! The chat as a program, from outside: what pages by polling hear.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;

use serde_json::{Value, json};
use sockeye_tests::client::{Polling, SOCKET_IO};
use sockeye_tests::program::{build, first_line};

/// A running chat with a directory of its own; it is killed when this is dropped.
struct Chat {
    process: Child,
    port: u16,
    data: PathBuf,
}

impl Chat {
    fn start() -> Self {
        let name = thread::current().name().unwrap_or("chat").replace(':', "-");
        let data = std::env::temp_dir().join(format!("sockeye-{name}-{}", std::process::id()));
        let (process, port) = run(0, &data);
        Chat { process, port, data }
    }

    /// As by a power cut, nobody is told; then it is started again, at the same place.
    fn kill_and_start_again(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        (self.process, self.port) = run(self.port, &self.data);
    }

    /// Comes in under this name, and goes into the lobby.
    fn enter(&self, name: &str) -> Page {
        let mut page = self.connect(name, name, "");
        page.ask("join", &json!({"room": "lobby"}));
        page
    }

    /// Comes in with the secret of somebody, and says more.
    fn connect(&self, name: &str, secret_of: &str, more: &str) -> Page {
        let polling = Polling::open(self.port, SOCKET_IO);
        polling.post(&format!(r#"40{{"name":"{name}","key":"the secret of {secret_of}"{more}}}"#));
        let mut page = Page { polling, pid: String::new(), heard: Vec::new(), asked: 0 };
        while page.pid.is_empty() {
            page.listen();
        }
        page
    }
}

fn run(port: u16, data: &PathBuf) -> (Child, u16) {
    let mut process = Command::new(build("sockeye-cli", "sockeye"))
        .args(["--host", "127.0.0.1", "--port", &port.to_string()])
        .arg("--data")
        .arg(data)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the chat starts");
    let line = first_line(&mut process);
    let port = line.as_deref().and_then(|line| line.rsplit(':').next()?.parse().ok());
    (process, port.unwrap_or_else(|| panic!("no address: {line:?}")))
}

impl Drop for Chat {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.data);
    }
}

/// A page of the chat, and what it has heard.
struct Page {
    polling: Polling,
    pid: String,
    heard: Vec<(String, Value)>,
    asked: usize,
}

impl Page {
    /// The answer to an event. What was heard before it is kept.
    fn ask(&mut self, event: &str, about: &Value) -> Value {
        let id = self.asked;
        self.asked += 1;
        self.polling.post(&format!("42{id}{}", json!([event, about])));
        loop {
            if let Some(answer) = self.listen().remove(&id) {
                return answer;
            }
        }
    }

    /// Says something under an id that is made of a number.
    fn say(&mut self, number: usize) -> Value {
        let id = format!("00000000-0000-4000-8000-{number:012}");
        self.ask("message", &json!({"room": "lobby", "id": id, "text": number.to_string()}))
    }

    /// Polls until an event is the one that is waited for.
    fn hears(&mut self, is_it: impl Fn(&str, &Value) -> bool) {
        while !self.heard.iter().any(|(event, about)| is_it(event, about)) {
            self.listen();
        }
    }

    /// Polls once; the answers by their ids.
    fn listen(&mut self) -> std::collections::HashMap<usize, Value> {
        let mut answers = std::collections::HashMap::new();
        for packet in self.polling.packets(1) {
            if let Some(reply) = packet.strip_prefix("40") {
                let reply: Value = serde_json::from_str(reply).expect("a CONNECT reply");
                reply["pid"].as_str().expect("a session").clone_into(&mut self.pid);
            } else if let Some(event) = packet.strip_prefix("42") {
                let event: Vec<Value> = serde_json::from_str(event).expect("an event");
                let name = event[0].as_str().expect("a name").to_owned();
                self.heard.push((name, event[1].clone()));
            } else if let Some((id, answer)) =
                packet.strip_prefix("43").and_then(|rest| rest.split_once('['))
            {
                let answer: Vec<Value> =
                    serde_json::from_str(&format!("[{answer}")).expect("an answer");
                answers.insert(id.parse().expect("an id"), answer[0].clone());
            }
        }
        answers
    }

    /// The texts of the messages that it has heard.
    fn texts(&self) -> Vec<String> {
        let messages = self.heard.iter().filter(|(event, _)| event == "message");
        messages.map(|(_, about)| text(&about["message"])).collect()
    }
}

fn text(message: &Value) -> String {
    message["text"].as_str().expect("a text").to_owned()
}

/// The texts of a page of the past.
fn past(page: &Value) -> Vec<String> {
    let messages = page["messages"].as_array().unwrap_or_else(|| panic!("no page: {page}"));
    messages.iter().map(|past| text(&past["message"])).collect()
}

fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

#[test]
fn a_page_between_two_polls_misses_no_room_that_is_made_or_left() {
    let chat = Chat::start();
    let mut reader = chat.enter("Ada");
    // From here on the reader does not poll.
    let mut maker = chat.enter("Bo");
    let is_listed = |people: u64| {
        move |event: &str, about: &Value| {
            event == "listing" && about["room"] == "brook" && about["people"] == people
        }
    };
    maker.ask("join", &json!({"room": "brook"}));
    maker.hears(is_listed(1));
    maker.ask("leave", &json!({"room": "brook"}));
    maker.hears(is_listed(0));
    maker.ask("leave", &json!({"room": "lobby"}));
    reader.hears(|event, _| event == "gone");
    let listings = reader.heard.iter().filter(|(event, _)| event == "listing");
    let brook = listings.filter(|(_, about)| about["room"] == "brook");
    let people: Vec<_> = brook.map(|(_, about)| about["people"].clone()).collect();
    assert_eq!(people, [1, 0], "{:?}", reader.heard);
}

#[test]
fn a_message_that_is_sent_again_is_said_once_also_by_a_server_that_was_killed() {
    let mut chat = Chat::start();
    let mut ada = chat.enter("Ada");
    let first = ada.say(1);
    assert_eq!(first["again"], false, "{first}");
    let second = ada.say(1);
    assert_eq!((&second["token"], &second["again"]), (&first["token"], &json!(true)));
    chat.kill_and_start_again();
    let mut ada = chat.connect("Ada", "Ada", &format!(r#","pid":"{}""#, ada.pid));
    let welcome = ada.ask("enter", &json!({"rooms": ["lobby"]}));
    assert_eq!(welcome["inside"][0]["people"][0]["name"], "Ada", "{welcome}");
    let third = ada.say(1);
    assert_eq!((&third["token"], &third["again"]), (&first["token"], &json!(true)));
    let mut bo = chat.connect("Bo", "Bo", "");
    assert_eq!(past(&bo.ask("join", &json!({"room": "lobby"}))), ["1"]);
}

#[test]
fn somebody_else_cannot_use_up_the_ids_of_a_message() {
    let chat = Chat::start();
    let (mut ada, mut bo) = (chat.enter("Ada"), chat.enter("Bo"));
    assert_eq!(ada.say(1)["again"], false);
    assert_eq!(bo.say(1)["again"], false);
}

#[test]
fn the_past_of_a_room_comes_in_pages_to_those_who_are_in_it() {
    let chat = Chat::start();
    for (number, name) in ["Ada", "Bo", "Chidi"].into_iter().enumerate() {
        let mut speaker = chat.enter(name);
        (number * 25..(number + 1) * 25).for_each(|number| _ = speaker.say(number));
    }
    let mut late = chat.connect("Late", "Late", "");
    let before = |page: &Value| json!({"room": "lobby", "before": page["messages"][0]["token"]});
    let newest = late.ask("join", &json!({"room": "lobby"}));
    assert_eq!((past(&newest), &newest["more"]), (numbers(25..75), &json!(true)));
    let older = late.ask("history", &before(&newest));
    assert_eq!((past(&older), &older["more"]), (numbers(0..25), &json!(false)));
    late.ask("leave", &json!({"room": "lobby"}));
    let refused = late.ask("history", &before(&newest));
    assert_eq!(refused["error"]["data"]["code"], "not_inside");
}

#[test]
fn a_token_that_nobody_gave_out_has_no_past() {
    let chat = Chat::start();
    let mut ada = chat.enter("Ada");
    let wish = json!({"room": "lobby", "before": "A".repeat(22)});
    let answer = ada.ask("history", &wish);
    assert!(answer["error"]["message"].is_string(), "{answer}");
}

#[test]
fn whoever_joins_while_others_talk_gets_first_what_was_said_and_then_the_rest() {
    const SAID: usize = 35;
    let chat = Chat::start();
    let mut ada = chat.enter("Ada");
    let talking = thread::spawn(move || (0..SAID).for_each(|number| _ = ada.say(number)));
    for name in ["Bo", "Chidi", "Dede"] {
        let mut page = chat.connect(name, name, "");
        let state = past(&page.ask("join", &json!({"room": "lobby"})));
        assert_eq!(page.texts(), [""; 0], "nothing comes before the state");
        let last = (SAID - 1).to_string();
        page.hears(|event, about| {
            event == "message" && about["message"]["text"] == *last || state.len() == SAID
        });
        assert_eq!([state, page.texts()].concat(), numbers(0..SAID));
    }
    talking.join().expect("she has said it all");
}

#[test]
fn whoever_joins_a_room_twice_gets_its_state_twice_though_nothing_happens_meanwhile() {
    let chat = Chat::start();
    let mut ada = chat.enter("Ada");
    ada.say(1);
    // The last that happens by itself.
    ada.hears(|event, _| event == "listing");
    for _ in 0..2 {
        assert_eq!(past(&ada.ask("join", &json!({"room": "lobby"}))), ["1"]);
    }
}

#[test]
fn a_session_is_of_no_use_without_its_secret() {
    let chat = Chat::start();
    let ada = chat.enter("Ada");
    let mut thief = chat.connect("Ada", "a thief", &format!(r#","pid":"{}""#, ada.pid));
    assert_ne!(thief.pid, ada.pid);
    assert_eq!(thief.ask("enter", &json!({"rooms": []}))["inside"], json!([]));
}
