//! A page with the official client in it: what it keeps over all of its connections.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::check::Words;
use crate::record::Record;

/// The state of `socket.io-client` 4, as far as delivery goes.
pub(crate) struct Page {
    pub(crate) number: usize,
    pub(crate) record: Record,
    /// `_pid` and `_lastOffset`.
    pub(crate) pid: Option<String>,
    pub(crate) offset: Option<String>,
    /// What came before the answer to its CONNECT (`receiveBuffer`): handed out then, on whatever connection.
    kept: Vec<String>,
    /// What it says when it is connected (`sendBuffer`).
    pub(crate) unsent: Vec<String>,
    /// What it says until it is answered, by the numbers of the answers.
    pub(crate) insists: BTreeMap<usize, String>,
    /// Answers that it has not given yet.
    pub(crate) answers: Vec<String>,
    pub(crate) connected: bool,
    /// Whether it comes back by itself.
    pub(crate) wants: bool,
}

/// What a packet asks of the connection that it came on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Go,
    Answer,
    /// It is over: the server has disconnected it, or would not have it.
    End,
}

impl Page {
    pub(crate) fn new(number: usize, record: &Record) -> Self {
        Page {
            number,
            record: record.clone(),
            pid: None,
            offset: None,
            kept: Vec::new(),
            unsent: Vec::new(),
            insists: BTreeMap::new(),
            answers: Vec::new(),
            connected: false,
            wants: true,
        }
    }

    /// The CONNECT packet: with its secret and its position, if it has them.
    pub(crate) fn connect(&self) -> String {
        let mut auth = serde_json::json!({ "page": self.number });
        for (name, value) in [("pid", &self.pid), ("offset", &self.offset)] {
            if let Some(value) = value {
                auth[name] = value.clone().into();
            }
        }
        format!("40{auth}")
    }

    /// A packet of Socket.IO has come, behind the `4` of Engine.IO.
    pub(crate) fn take(&mut self, packet: &str) -> Next {
        match packet.split_at_checked(1) {
            Some(("0", reply)) => self.welcome(reply),
            Some(("2", _)) if self.connected => return self.hear(packet),
            Some(("2", _)) => self.kept.push(packet.to_owned()),
            Some(("3", answer)) => {
                let number: String = answer.chars().take_while(char::is_ascii_digit).collect();
                self.insists.retain(|insisted, _| insisted.to_string() != number);
            }
            Some(("1" | "4", _)) => return Next::End,
            _ => self.wrong(format!("got a packet that is none: {packet}")),
        }
        Next::Go
    }

    /// What it says now that it is connected.
    pub(crate) fn speak(&mut self) -> Vec<String> {
        let mut words = std::mem::take(&mut self.unsent);
        words.extend(self.insists.iter().map(|(number, words)| format!("42{number}{words}")));
        words
    }

    /// The connection is over.
    pub(crate) fn lose(&mut self) {
        self.connected = false;
        let heard = &mut self.record.lock().pages[self.number];
        (heard.connected, heard.stops) = (false, 0);
    }

    /// It reads no more on this connection, or again.
    pub(crate) fn read(&self, reads: bool) {
        self.record.lock().pages[self.number].stops += usize::from(!reads);
    }

    /// The page is loaded again: all that is left is what it has stored.
    pub(crate) fn reload(&mut self) {
        self.kept.clear();
        self.unsent.clear();
        self.answers.clear();
    }

    fn welcome(&mut self, reply: &str) {
        let reply: Value = serde_json::from_str(reply).unwrap_or_default();
        let (Some(id), Some(pid)) = (reply["sid"].as_str(), reply["pid"].as_str()) else {
            return self.wrong(format!("got an answer without its secret: {reply}"));
        };
        let before = self.pid.replace(pid.to_owned());
        let recovered = before.as_deref() == Some(pid);
        self.connected = true;
        self.record.lock().welcomed(self.number, id, recovered, before.is_some());
        for packet in std::mem::take(&mut self.kept) {
            self.hear(&packet);
        }
    }

    /// Its listeners are handed an event, and then its position moves.
    fn hear(&mut self, packet: &str) -> Next {
        let Some(start) = packet.find('[') else { return Next::Go };
        let question: Option<u64> = packet[1..start].parse().ok();
        let args: Vec<Value> = serde_json::from_str(&packet[start..]).unwrap_or_default();
        let token = args.last().and_then(Value::as_str).filter(|_| question.is_none());
        match args.first().and_then(Value::as_str) {
            Some("said") => self.listen(&args, token, question),
            Some("sockeye:gap") => {
                let what = args.get(1).map(Value::to_string).unwrap_or_default();
                self.record.lock().told_of_a_gap(self.number, &what);
            }
            _ => {}
        }
        if let Some(token) = token {
            self.offset = Some(token.to_owned());
        }
        if question.is_some() { Next::Answer } else { Next::Go }
    }

    fn listen(&mut self, args: &[Value], token: Option<&str>, question: Option<u64>) {
        let Some(number) = args.get(1).and_then(Value::as_u64) else { return };
        let number = usize::try_from(number).unwrap_or(usize::MAX);
        self.record.lock().heard(self.number, &Words { number, token, question });
        if let Some(id) = question {
            self.answers.push(format!("43{id}[{}]", answer(self.number, number)));
        }
    }

    fn wrong(&self, text: String) {
        self.record.lock().problem(Some(self.number), text);
    }
}

/// What a page answers to a question.
pub(crate) fn answer(page: usize, number: usize) -> u64 {
    (number * 100 + page) as u64
}
