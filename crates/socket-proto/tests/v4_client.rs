//! Revision 4, the connecting side: what an old server says about namespaces, and both sides together.

mod support;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use proptest::prelude::*;
use sockeye_socket_proto::client::{Connection, Incoming};
use sockeye_socket_proto::v4::client::{Interpreter, Joining, query};
use sockeye_socket_proto::{Args, Limits, Message, ProtocolError, Slot, encode, server, v4};
use support::{NOW, cases};

/// A client, and what it takes for what the server says.
struct Client {
    connection: Connection,
    interpreter: Interpreter,
    slots: BTreeMap<String, Slot>,
}

impl Client {
    fn new() -> Self {
        let connection = Connection::new(&Arc::new(Limits::default()));
        Client { connection, interpreter: Interpreter::new("x1"), slots: BTreeMap::new() }
    }

    /// Where the namespace is pending or joined.
    fn slot(&self, namespace: &str) -> Option<Slot> {
        let slot = self.slots.get(namespace).copied();
        slot.filter(|slot| self.connection.namespace(*slot).is_some())
    }

    fn is_in(&self, namespace: &str) -> bool {
        self.slot(namespace).is_some_and(|slot| self.connection.is_joined(slot))
    }

    /// What is sent to join, or heard at once.
    fn connect(&mut self, namespace: &str) -> (Option<String>, Option<String>) {
        let slot = self.connection.connect(namespace, NOW).unwrap();
        self.slots.insert(namespace.to_owned(), slot);
        match self.interpreter.connect(namespace, "", 0) {
            Joining::Ask(packet) => (Some(packet.text().to_owned()), None),
            Joining::Wait => (None, None),
            Joining::Joined(sid) => {
                assert!(self.connection.accepted(slot));
                (None, Some(format!("connected {sid}")))
            }
        }
    }

    fn hear(&mut self, packet: &str) -> Result<Option<String>, ProtocolError> {
        let Some(packet) = self.interpreter.read(packet, &self.connection) else {
            return Ok(None);
        };
        let heard = self.connection.receive(Message::Text(&packet), NOW)?;
        Ok(heard.map(|heard| told(&heard)))
    }

    fn hears(&mut self, packet: &str) -> Option<String> {
        self.hear(packet).unwrap()
    }

    fn leave(&mut self, namespace: &str) {
        let slot = self.slot(namespace).expect("it is joined or pending");
        assert!(self.connection.left(slot));
        self.interpreter.left(namespace);
    }
}

fn told(heard: &Incoming<'_>) -> String {
    match heard {
        Incoming::Connected { sid, .. } => format!("connected {sid}"),
        Incoming::Refused { message, data, .. } => {
            format!("refused {message} {}", data.unwrap_or("-"))
        }
        Incoming::Event { name, args, .. } => format!("event {name} {}", args.json),
        Incoming::Ack { id, args, .. } => format!("ack {id} {}", args.json),
        Incoming::Disconnect { .. } => "disconnect".to_owned(),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it is compared with what was heard")]
fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn the_main_namespace_is_joined_without_a_word() {
    let mut client = Client::new();
    assert_eq!(client.connect("/"), (None, None));
    assert_eq!(client.hears("0"), some("connected x1"));
    assert_eq!(client.hears(r#"2["news",1]"#), some("event news 1"));
}

#[test]
fn whoever_wants_the_main_namespace_later_is_in_it_at_once() {
    let mut client = Client::new();
    assert_eq!(client.connect("/chat"), (some("0/chat,"), None));
    assert_eq!(client.hears("0"), None);
    assert_eq!(client.hears(r#"2["for","nobody"]"#), None);
    assert_eq!(client.hears("0/chat,"), some("connected /chat#x1"));
    assert_eq!(client.connect("/"), (None, some("connected x1")));
}

#[test]
fn the_main_namespace_can_be_joined_in_the_middle_of_a_packet() {
    let mut client = Client::new();
    client.connect("/a");
    client.hears("0");
    client.hears("0/a,");
    assert_eq!(client.hears(r#"51-/a,["b",{"_placeholder":true,"num":0}]"#), None);
    assert_eq!(client.connect("/"), (None, some("connected x1")));
    assert!(client.connection.receive(Message::Binary(&[1]), NOW).unwrap().is_some());
    assert!(!client.connection.accepted(client.slot("/").unwrap()), "once");
}

#[test]
fn the_main_namespace_is_asked_for_once_it_was_left() {
    let mut client = Client::new();
    client.connect("/");
    assert_eq!(client.hears("0"), some("connected x1"));
    client.leave("/");
    assert_eq!(client.connect("/"), (some("0"), None));
    assert_eq!(client.hears("0"), some("connected x1"));
    assert_eq!(client.hears("1"), some("disconnect"));
    assert_eq!(client.connect("/"), (some("0"), None));
}

#[test]
fn an_answer_that_crosses_our_leaving_is_ignored() {
    let mut client = Client::new();
    client.connect("/");
    client.leave("/");
    assert_eq!(client.hears("0"), None);
    client.connect("/");
    assert_eq!(client.hears("0"), some("connected x1"));
    assert_eq!(client.hears("0"), None, "a second answer says nothing new");
}

#[test]
fn a_query_goes_along_with_connect() {
    let mut interpreter = Interpreter::new("x1");
    let Joining::Ask(packet) = interpreter.connect("/chat", "room=1&x=a,b", 3) else { panic!() };
    assert_eq!(packet.text(), "0/chat?room=1&x=a%2Cb,");
    assert_eq!(v4::read(packet.text()), r#"0/chat,{"room":"1","x":"a,b"}"#);
    assert!(matches!(interpreter.connect("/", "room=1", 0), Joining::Wait));
}

#[test]
fn what_would_come_with_connect_can_be_told_as_a_query() {
    assert_eq!(query(r#"{"a":"é&=,+","b":[],"c":null}"#), "a=%C3%A9%26%3D%2C%2B&c=null");
    for nothing in ["", "[1]", "7", "{}", "{"] {
        assert_eq!(query(nothing), "", "{nothing}");
    }
}

#[test]
fn a_refusal_is_a_text_or_anything_else() {
    let table = [
        (r#"4/a,"no entry""#, "refused no entry -"),
        (r#"4/a,{"code":7}"#, r#"refused {"code":7} {"code":7}"#),
        (r#"4/a,{"message":"no","data":1}"#, r#"refused no {"message":"no","data":1}"#),
        ("4/a,[1]", "refused [1] [1]"),
        ("4/a,true", "refused true true"),
        ("4/a,47", "refused 47 47"),
        ("4/a,", "refused null null"),
        ("4/a", "refused null null"),
        (r#"4/a?room=1,"no entry""#, "refused no entry -"),
    ];
    for (packet, heard) in table {
        let mut client = Client::new();
        client.connect("/a");
        assert_eq!(client.hears(packet), some(heard), "{packet}");
        assert_eq!(client.connect("/a"), (some("0/a,"), None), "it may be asked for again");
    }
}

#[test]
fn a_refusal_of_the_main_namespace_leaves_the_others_alone() {
    let mut client = Client::new();
    client.connect("/");
    assert_eq!(client.hears(r#"4"no entry""#), some("refused no entry -"));
    client.connect("/a");
    assert_eq!(client.hears("0/a,"), some("connected /a#x1"));
    assert_eq!(client.connect("/"), (some("0"), None));
}

#[test]
fn an_error_of_a_middleware_is_an_event() {
    let mut client = Client::new();
    client.connect("/a");
    client.hears("0/a,");
    assert_eq!(client.hears(r#"4/a,"too fast""#), some(r#"event error "too fast""#));
    assert_eq!(client.hears(r#"4/a,{"code":7}"#), some(r#"event error {"code":7}"#));
    assert_eq!(client.hears(r#"2/a,["still","there"]"#), some(r#"event still "there""#));
}

#[test]
fn events_answers_and_attachments_pass_as_they_are() {
    let mut client = Client::new();
    client.connect("/");
    client.hears("0");
    assert_eq!(client.hears(r#"27["q",1]"#), some("event q 1"));
    assert_eq!(client.hears("37[2]"), some("ack 7 2"));
    assert_eq!(client.hears(r#"51-["b",{"_placeholder":true,"num":0}]"#), None);
    let heard = client.connection.receive(Message::Binary(&[1, 2]), NOW).unwrap();
    let Some(Incoming::Event { args, .. }) = heard else { panic!() };
    assert_eq!(args.parse::<bytes::Bytes>().unwrap()[..], [1, 2]);
}

#[test]
fn what_is_malformed_closes_the_connection_in_this_revision_too() {
    for packet in ["", "9", "4{", r#"4"x","y""#, "2", r#"2["connect"]"#, "511-[\"a\"]", "1{}"] {
        let mut client = Client::new();
        client.connect("/");
        assert!(client.hear(packet).is_err(), "{packet}");
    }
}

/// Both sides with a wire between them, which is as slow as the test wants it.
struct Pair {
    client: Client,
    server: server::Connection,
    slots: BTreeMap<String, Slot>,
    to_server: VecDeque<String>,
    to_client: VecDeque<String>,
    /// What either side has emitted in a namespace that was joined, and what the other side heard.
    said: BTreeMap<&'static str, Vec<String>>,
    heard: BTreeMap<&'static str, Vec<String>>,
    refuses: bool,
}

const NAMESPACES: [&str; 3] = ["/", "/a", "/b"];

impl Pair {
    fn new(refuses: bool) -> Self {
        let mut pair = Pair {
            client: Client::new(),
            server: server::Connection::new(&Arc::new(Limits::default()), NOW),
            slots: BTreeMap::new(),
            to_server: VecDeque::new(),
            to_client: VecDeque::new(),
            said: BTreeMap::new(),
            heard: BTreeMap::new(),
            refuses,
        };
        pair.server_hears(v4::JOIN_MAIN);
        pair.refuses = false;
        pair
    }

    fn server_hears(&mut self, packet: &str) {
        let packet = v4::read(packet);
        match self.server.receive(Message::Text(&packet), NOW).unwrap() {
            Some(server::Incoming::Connect { slot, namespace, .. }) => {
                let reply = if self.refuses {
                    v4::error(namespace, "no entry", None, 0)
                } else {
                    v4::connect_reply(namespace, 0)
                };
                self.to_client.push_back(reply.text().to_owned());
                let told = if self.refuses {
                    self.server.refused(slot)
                } else {
                    self.server.accepted(slot)
                };
                assert!(told);
                let namespace = packet[1..].split(',').next().filter(|name| !name.is_empty());
                self.slots.insert(namespace.unwrap_or("/").to_owned(), slot);
            }
            Some(server::Incoming::Event { name, .. }) => {
                self.heard.entry("server").or_default().push(name.into_owned());
            }
            Some(_) | None => {}
        }
    }

    fn client_hears(&mut self, packet: &str) {
        if let Some(heard) = self.client.hears(packet)
            && let Some(event) = heard.strip_prefix("event ")
        {
            self.heard.entry("client").or_default().push(event.trim().to_owned());
        }
    }

    fn settle(&mut self) {
        while !self.to_server.is_empty() || !self.to_client.is_empty() {
            self.deliver();
        }
    }

    /// One message arrives on either side.
    fn deliver(&mut self) {
        if let Some(packet) = self.to_server.pop_front() {
            self.server_hears(&packet);
        }
        if let Some(packet) = self.to_client.pop_front() {
            self.client_hears(&packet);
        }
    }

    fn client_connects(&mut self, namespace: &'static str) {
        if self.client.slot(namespace).is_none() {
            let (ask, _) = self.client.connect(namespace);
            self.to_server.extend(ask);
        }
    }

    /// A namespace is left only when all is quiet: what crosses on the wire cannot be told apart by anybody.
    fn client_leaves(&mut self, namespace: &'static str) {
        self.settle();
        if self.client.slot(namespace).is_some() {
            self.client.leave(namespace);
            self.to_server.push_back(encode::disconnect(namespace, 0).text().to_owned());
        }
        self.settle();
    }

    fn server_leaves(&mut self, namespace: &'static str) {
        self.settle();
        if let Some(&slot) = self.slots.get(namespace)
            && self.server.left(slot, NOW)
        {
            self.to_client.push_back(encode::disconnect(namespace, 0).text().to_owned());
        }
        self.settle();
    }

    fn server_has(&self, namespace: &str) -> bool {
        self.slots.get(namespace).is_some_and(|slot| self.server.is_joined(*slot))
    }

    fn client_says(&mut self, namespace: &'static str, number: usize) {
        if self.client.is_in(namespace) {
            let name = format!("e{number}");
            let packet =
                encode::event_raw(namespace, &name, Args { json: "", attachments: &[] }, None, 0);
            self.to_server.push_back(packet.text().to_owned());
            self.said.entry("client").or_default().push(name);
        }
    }

    fn server_says(&mut self, namespace: &'static str, number: usize) {
        if self.server_has(namespace) && self.client.slot(namespace).is_some() {
            let name = format!("e{number}");
            let packet =
                encode::event_raw(namespace, &name, Args { json: "", attachments: &[] }, None, 0);
            self.to_client.push_back(packet.text().to_owned());
            self.said.entry("server").or_default().push(name);
        }
    }
}

proptest! {
    #![proptest_config(cases(500))]

    /// Neither side is ever told anything that breaks its rules, and in the end they agree.
    #[test]
    fn both_sides_of_revision_4_agree_on_who_is_where(
        refuses_main in any::<bool>(),
        life in prop::collection::vec((0_u8..8, 0_usize..3), 0..60),
    ) {
        let mut pair = Pair::new(refuses_main);
        for (number, (what, namespace)) in life.into_iter().enumerate() {
            let namespace = NAMESPACES[namespace];
            match what {
                0 => pair.client_connects(namespace),
                1 => pair.client_leaves(namespace),
                2 => pair.server_leaves(namespace),
                3 => pair.client_says(namespace, number),
                4 => pair.server_says(namespace, number),
                5 => {
                    pair.settle();
                    pair.refuses = !pair.refuses;
                }
                _ => pair.deliver(),
            }
        }
        pair.settle();
        for namespace in NAMESPACES {
            let (ours, theirs) = (pair.client.is_in(namespace), pair.server_has(namespace));
            prop_assert!(ours || pair.client.slot(namespace).is_none(), "an answer has come");
            // The server lets us into the main namespace whether we want or not.
            prop_assert!(ours == theirs || (namespace == "/" && !ours), "{}", namespace);
        }
        prop_assert_eq!(pair.said.get("client"), pair.heard.get("server"));
        prop_assert_eq!(pair.said.get("server"), pair.heard.get("client"));
    }
}
