//! Publishing something, and noting what becomes of it.

use std::time::Duration;

use sockeye::{Answers, Broadcast, Durability, EmitError, Emitted, Namespace};

use crate::page;
use crate::record::Record;
use crate::said::{Address, Fate, Kind};

/// What is published.
#[derive(Clone, Debug)]
pub(crate) struct What {
    pub(crate) kind: Kind,
    pub(crate) class: Durability,
    pub(crate) address: Address,
    pub(crate) key: Option<String>,
    /// Bytes that it is filled up with.
    pub(crate) padding: usize,
}

impl Default for What {
    fn default() -> Self {
        let (kind, class, address) = (Kind::Event, Durability::Fsync, Address::default());
        What { kind, class, address, key: None, padding: 0 }
    }
}

pub(crate) fn publish(namespace: &Namespace, record: &Record, what: &What) {
    let number = record.lock().say(what.kind, what.class, &what.address, what.key.as_deref());
    let to = namespace.to(&what.address.to).except(&what.address.except).durability(what.class);
    let args = (number, "x".repeat(what.padding));
    match what.kind {
        Kind::Event => {
            let to = what.key.iter().fold(to, Broadcast::key);
            note(record, number, to.emit("said", &args));
        }
        Kind::Volatile => drop(to.volatile().emit("said", &args)),
        Kind::Question => ask(record, number, to, &args),
    }
}

fn note(record: &Record, number: usize, emitted: Result<Emitted, EmitError>) {
    let emitted = match emitted {
        Ok(emitted) if emitted.is_repeated() => return record.lock().fate(number, Fate::Repeated),
        Ok(emitted) => emitted,
        Err(error) => {
            record.note(None, error.to_string());
            return record.lock().fate(number, Fate::Refused);
        }
    };
    record.lock().taken(number);
    let record = record.clone();
    tokio::spawn(async move {
        let stored = emitted.stored().await.is_ok();
        record.lock().fate(number, if stored { Fate::Stored } else { Fate::Failed });
    });
}

/// How long an answer is waited for: longer than most clients are away.
const PATIENCE: Duration = Duration::from_secs(20);

fn ask(record: &Record, number: usize, to: Broadcast, args: &(usize, String)) {
    let asked = to.timeout(PATIENCE).emit_with_ack::<u64>("said", args);
    if asked.error().is_some() {
        return record.lock().fate(number, Fate::Refused);
    }
    let record = record.clone();
    tokio::spawn(async move { look_at(&record, number, &asked.await) });
}

/// Each answer is that of whom it is said to be.
fn look_at(record: &Record, number: usize, answers: &Answers<u64>) {
    let mut record = record.lock();
    for (id, answer) in &answers.answers {
        let Some(member) = record.member_of(id) else { continue };
        let page = record.members[member].page;
        record.note(Some(page), format!("has answered {number}"));
        if *answer != page::answer(page, number) || !record.said[number].heard_by.contains(&member)
        {
            record.problem(Some(page), format!("is said to have answered {number} with {answer}"));
        }
    }
}
