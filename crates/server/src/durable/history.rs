//! What was said in a room: pages of the past.

use std::sync::Arc;

use log::{Durability, Position, StoredEvent};
use serde_json::value::RawValue;

use super::Durable;
use crate::emit::Token;
use crate::error::HistoryError;
use crate::{Args, Namespace};

/// A page of the past of a room; made by [`Namespace::history`].
///
/// ```
/// # async fn example(io: sockeye::Io) -> Result<(), Box<dyn std::error::Error>> {
/// let newest = io.of("/").history("lobby").limit(20).load().await?;
/// if let Some(first) = newest.first() {
///     let before = io.of("/").history("lobby").before(&first.token).limit(20).load().await?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is read before `load`"]
pub struct History {
    namespace: Namespace,
    room: String,
    before: Option<Token>,
    limit: usize,
}

/// An event of the past.
#[derive(Clone, Debug)]
pub struct PastEvent {
    /// Its place in the log.
    pub token: Token,
    /// Its name.
    pub name: String,
    /// Its arguments, without the token.
    pub args: Args,
}

impl History {
    pub(crate) fn new(namespace: Namespace, room: String) -> Self {
        History { namespace, room, before: None, limit: 50 }
    }

    /// Only what came before this event.
    pub fn before(mut self, token: &Token) -> Self {
        self.before = Some(token.clone());
        self
    }

    /// How many events at most, the newest ones. Default 50.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Reads them, oldest first. In a namespace that is not durable there are none.
    ///
    /// # Errors
    ///
    /// If the token is none of this namespace's, or the log cannot be read.
    pub async fn load(self) -> Result<Vec<PastEvent>, HistoryError> {
        let Some(durable) = self.namespace.durable_part().cloned() else {
            return Ok(Vec::new());
        };
        let before = match &self.before {
            None => None,
            Some(token) => {
                Some(durable.shard.position(token.as_str()).ok_or(HistoryError::ForeignToken)?)
            }
        };
        if let Some(before) = before {
            // What was logged a moment before is on its way to the store.
            let last = Position::from(before.get().saturating_sub(1));
            let _ = durable.log.stored(last, Durability::Async).await;
        }
        let events = durable.past(self.room, before, self.limit).await?;
        Ok(events.into_iter().filter_map(|event| durable.past_event(event)).collect())
    }
}

impl Durable {
    pub(super) async fn past(
        self: &Arc<Self>,
        room: String,
        before: Option<Position>,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, HistoryError> {
        let shard = self.shard.clone();
        let read = move || shard.history(&room, before, limit);
        let read = tokio::task::spawn_blocking(read).await;
        let read = read.map_err(|error| HistoryError::Log(error.to_string()))?;
        read.map_err(|error| HistoryError::Log(error.to_string()))
    }

    fn past_event(&self, stored: StoredEvent) -> Option<PastEvent> {
        let StoredEvent { position, event } = stored;
        let text = std::str::from_utf8(&event.text).ok()?;
        let array = &text[text.find('[')?..];
        let mut values: Vec<&RawValue> = serde_json::from_str(array).ok()?;
        if !event.asks {
            // The token.
            values.pop();
        }
        let (name, args) = values.split_first()?;
        let json = args.iter().map(|value| value.get()).collect::<Vec<_>>().join(",");
        let args = socket_proto::Args { json: &json, attachments: &event.attachments };
        Some(PastEvent {
            token: self.token(position),
            name: serde_json::from_str(name.get()).ok()?,
            args: Args::of(args.to_owned()),
        })
    }

    pub(crate) fn token(&self, position: Position) -> Token {
        Token::new(&self.shard.token(position))
    }
}
