//! What was said in a room, page by page, as the log has it.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sockeye::{History, HistoryError, Namespace, PastEvent, Token};
use tokio::sync::Semaphore;

use crate::names::RoomName;
use crate::talk::MESSAGE;

/// A page of a room's past, oldest first.
#[derive(Debug, Serialize)]
pub struct PastPage {
    /// What was said.
    pub messages: Vec<PastMessage>,
    /// There is more before.
    pub more: bool,
}

/// A message of the past, and its place in the log.
#[derive(Debug, Serialize)]
pub struct PastMessage {
    /// Its place, to ask for what came before.
    pub token: Token,
    /// The message as it was said.
    pub message: Box<RawValue>,
}

/// Reads pages of the past, a few at a time: however many ask, no more than those are in memory.
#[derive(Debug)]
pub(crate) struct Past(Semaphore);

/// Pages that are read at a time.
const READERS: usize = 8;

/// What of a message's event is of use here.
#[derive(Deserialize)]
struct Said {
    message: Box<RawValue>,
}

impl PastPage {
    /// Most messages of a page.
    pub const MESSAGES: usize = 50;
    /// Most bytes of a page's messages, counted as they are sent: escapes, names and ids take their place as well. With
    /// [`Limits`](crate::Limits) it keeps what a newcomer gets of all its rooms far below what may wait for a client
    /// that reads slowly.
    pub const BYTES: usize = 40 * 1024;

    /// The newest of these messages that fit; at least one, however long it is.
    pub fn newest(mut messages: Vec<PastMessage>) -> Self {
        let mut bytes = 0;
        let newest = messages.iter().rev().enumerate();
        let fitting = newest.take_while(|(before, message)| {
            bytes += message.cost();
            *before == 0 || (*before < Self::MESSAGES && bytes <= Self::BYTES)
        });
        let older = messages.len() - fitting.count();
        messages.drain(..older);
        PastPage { messages, more: older > 0 }
    }
}

impl PastMessage {
    /// The bytes that it takes among others when it is sent: its JSON, and a comma.
    fn cost(&self) -> usize {
        serde_json::to_vec(self).map_or(usize::MAX, |json| json.len() + 1)
    }

    fn of(event: PastEvent) -> Option<Self> {
        let is_message = event.name == MESSAGE;
        let Said { message } = event.args.parse().ok().filter(|_| is_message)?;
        Some(PastMessage { token: event.token, message })
    }
}

impl Past {
    pub(crate) fn new() -> Self {
        Past(Semaphore::new(READERS))
    }

    /// The newest messages of a room, or those before one.
    pub(crate) async fn page(
        &self,
        chat: &Namespace,
        room: &RoomName,
        before: Option<&Token>,
    ) -> Result<PastPage, HistoryError> {
        // It is never closed; and if it were, the page could be read all the same.
        let _turn = self.0.acquire().await;
        let history = chat.history(room.channel()).limit(PastPage::MESSAGES + 1);
        let history = before.into_iter().fold(history, History::before);
        let events = history.load().await?;
        Ok(PastPage::newest(events.into_iter().filter_map(PastMessage::of).collect()))
    }
}
