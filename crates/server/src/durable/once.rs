//! Events that a client sends again, for it has not heard the answer: handled once, answered as often as they come.
//!
//! Where the key is in the arguments, the application says. The answer stands in the log under it, so it is the
//! same after a restart. Two of the same key at a time: the second waits for the first.

use std::collections::HashMap;
use std::sync::Arc;

use handler::args::arguments;
use log::Event;
use parking_lot::{Mutex, RwLock};
use serde_json::Value;
use socket_proto::{Args, Encoded, OwnedArgs, encode};
use tokio::sync::OwnedMutexGuard;
use tokio::task::unconstrained;
use transport::ROOM;

use super::Durable;
use crate::handler::Running;
use crate::{Error, Socket};

/// What is handled once: an event, and where its key is. The lock is held to find one.
pub(super) type Rules = RwLock<HashMap<Box<str>, Box<str>>>;

/// The keys that are being handled in a namespace.
pub(super) type Turns = Mutex<HashMap<Box<str>, Turn>>;

/// Whoever holds it handles the key.
pub(super) type Turn = Arc<tokio::sync::Mutex<()>>;

/// Longer keys are refused: they are kept.
const LONGEST_KEY: usize = 1024;

impl Durable {
    pub(crate) fn once(&self, event: &str, pointer: &str) {
        self.family.once.write().insert(event.into(), pointer.into());
    }

    /// The key of an event, if it has one.
    pub(crate) fn key_of(&self, event: &str, args: Args<'_>) -> Option<String> {
        let pointer = self.family.once.read().get(event)?.clone();
        let args: Value = serde_json::from_str(&format!("[{}]", args.json)).ok()?;
        let key = match args.pointer(&pointer)? {
            Value::String(key) => key.clone(),
            Value::Number(key) => key.to_string(),
            _ => return None,
        };
        // No room and no key of the application begins like this.
        Some(format!("\0answer\0{event}\0{key}"))
    }

    /// Handles an event, unless that has been done: then its answer is the one that was given.
    pub(crate) fn run_once(
        self: &Arc<Self>,
        socket: &Socket,
        key: String,
        ack: Option<u64>,
        handler: Running,
    ) -> Running {
        let (durable, socket) = (Arc::clone(self), socket.clone());
        Box::pin(async move {
            if key.len() > LONGEST_KEY {
                return Err(Error::new(format!("a key has at most {LONGEST_KEY} bytes")));
            }
            let _turn = durable.turn(&key).await;
            if let Some(answer) = durable.answer_to(&key).await {
                let name = socket.namespace().name();
                return Ok(ack.map(|id| encode::ack_raw(name, id, answer.as_args(), ROOM)));
            }
            let answer = handler.await?;
            durable.keep_answer(&key, answer.as_ref()).await;
            Ok(answer)
        })
    }

    /// Waits until nobody else handles this key. Where nobody does there is no wait, not even for the runtime, which holds
    /// up a task that has done much: events of a client would overtake each other.
    async fn turn(&self, key: &str) -> OwnedMutexGuard<()> {
        let turn = Arc::clone(self.turns.lock().entry(key.into()).or_default());
        let turn = unconstrained(turn.lock_owned()).await;
        // Those that nobody holds or waits for are done with: the table has one count of each.
        self.turns.lock().retain(|_, turn| Arc::strong_count(turn) > 1);
        turn
    }

    /// The answer that was given to this key, if it was.
    async fn answer_to(self: &Arc<Self>, key: &str) -> Option<OwnedArgs> {
        self.shard.used(key)?;
        let answer = self.past(key.to_owned(), None, 1).await.ok()?.pop()?.event;
        let json = std::str::from_utf8(&answer.text).ok()?;
        Some(Args { json, attachments: &answer.attachments }.to_owned())
    }

    /// Keeps an answer before it is given: whoever has heard it never hears another one.
    async fn keep_answer(&self, key: &str, answer: Option<&Encoded>) {
        let args = answer.map_or(Args { json: "", attachments: &[] }, arguments);
        let size = answer.map_or(0, |answer| answer.buffer.len()) + key.len();
        let appended = self.shard.append(self.class, Some(key), size, |_| Event {
            to: [key.into()].into_iter().collect(),
            text: args.json.to_owned().into(),
            attachments: args.attachments.to_vec(),
            ..Event::default()
        });
        let kept = match appended {
            Ok(appended) => {
                let stored = self.log.stored(appended.position(), self.class).await;
                stored.map_err(|error| error.to_string())
            }
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = kept {
            tracing::warn!(error, "an answer is not in the log: the event may be handled again");
        }
    }
}
