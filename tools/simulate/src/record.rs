//! Everything that happened in a life, as it happened.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use sockeye::Durability;

use crate::members::{Member, Stay};
use crate::plan::{Fault, Plan};
use crate::said::{Address, Fate, Kind, Said};
use crate::story::{Line, Problem};

/// Shared by the server's handlers, the pages, and whoever makes things happen.
#[derive(Clone)]
pub(crate) struct Record(Arc<Mutex<Life>>);

/// What is recorded.
pub(crate) struct Life {
    pub(crate) class: Durability,
    /// The log keeps less than is said in a life.
    pub(crate) forgets: bool,
    pub(crate) step: usize,
    /// What was written is not safe before it is synced.
    pub(crate) store_failed: bool,
    pub(crate) said: Vec<Said>,
    pub(crate) members: Vec<Member>,
    pub(crate) pages: Vec<Heard>,
    pub(crate) story: Vec<Line>,
    pub(crate) faults: BTreeMap<Fault, usize>,
    pub(crate) problems: Vec<Problem>,
    /// How often somebody came back with everything, and without.
    pub(crate) recovered: usize,
    pub(crate) gaps: usize,
    /// Members by the ids of their sockets.
    ids: HashMap<String, usize>,
    /// Tokens, by the number of what they were given to.
    pub(crate) tokens: BTreeMap<usize, String>,
}

/// What a page has heard, over all of its connections.
#[derive(Default)]
pub(crate) struct Heard {
    /// The session that it is now.
    pub(crate) member: Option<usize>,
    /// How much had been said when it asked to come in.
    pub(crate) entering: usize,
    pub(crate) connected: bool,
    pub(crate) events: BTreeSet<usize>,
    pub(crate) last: Option<usize>,
    /// How often it has connected.
    pub(crate) connections: usize,
    /// Questions, with their ids and the connections on which they came last.
    pub(crate) questions: BTreeMap<usize, (u64, usize)>,
    /// It has been given another session, and has to be told why.
    pub(crate) gap_expected: bool,
    /// The session as which it has been told so.
    pub(crate) told: Option<usize>,
    /// How often it has stopped reading on this connection: the answer to its CONNECT may be of a session that is
    /// gone by now.
    pub(crate) stops: usize,
    /// It may be told of a gap: it has left, was away for too long, or its server is gone.
    pub(crate) may_lose: bool,
}

impl Record {
    pub(crate) fn new(plan: &Plan) -> Self {
        let heard = || Heard { may_lose: plan.is_short_of_space(), ..Heard::default() };
        let pages = (0..plan.pages()).map(|_| heard()).collect();
        Record(Arc::new(Mutex::new(Life {
            class: plan.class,
            forgets: plan.is_short_of_space(),
            step: 0,
            store_failed: false,
            said: Vec::new(),
            members: Vec::new(),
            pages,
            story: Vec::new(),
            faults: BTreeMap::new(),
            problems: Vec::new(),
            recovered: 0,
            gaps: 0,
            ids: HashMap::new(),
            tokens: BTreeMap::new(),
        })))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Life> {
        self.0.lock()
    }

    pub(crate) fn note(&self, page: Option<usize>, text: impl Into<String>) {
        self.lock().note(page, text);
    }
}

impl Life {
    pub(crate) fn note(&mut self, page: Option<usize>, text: impl Into<String>) {
        let text = text.into();
        self.story.push(Line { step: self.step, page, text });
    }

    pub(crate) fn problem(&mut self, page: Option<usize>, text: impl Into<String>) {
        let text = text.into();
        self.note(page, format!("WRONG: {text}"));
        self.problems.push(Problem { step: self.step, page, text });
    }

    pub(crate) fn fault(&mut self, fault: Fault, page: Option<usize>) {
        *self.faults.entry(fault).or_default() += 1;
        self.note(page, format!("{fault}"));
        self.store_failed |= fault.is_of_store();
        if fault.is_loss() {
            self.pages.iter_mut().for_each(|page| page.may_lose = true);
        }
    }

    /// Something is about to be published. Returns its number, and who it is for is settled.
    pub(crate) fn say(
        &mut self,
        kind: Kind,
        class: Durability,
        address: &Address,
        key: Option<&str>,
    ) -> usize {
        let number = self.said.len();
        let meant = |stay| {
            let all = self.members.iter().enumerate();
            all.filter(|(_, member)| member.is_meant(address) == stay)
                .map(|(member, _)| member)
                .collect()
        };
        let said = Said {
            step: self.step,
            kind,
            class,
            address: address.clone(),
            key: key.map(str::to_owned),
            must: meant(Stay::In),
            may: meant(Stay::Unsure),
            fate: Fate::Waiting,
            known_at: number,
            heard_by: BTreeSet::new(),
        };
        if kind != Kind::Volatile {
            said.must.iter().for_each(|member| self.members[*member].owed.push_back(number));
        }
        let key = key.map_or_else(String::new, |key| format!(", by the key {key}"));
        self.note(None, format!("{kind:?} {number} of class {class:?} to {address}{key}"));
        self.said.push(said);
        number
    }

    pub(crate) fn fate(&mut self, number: usize, fate: Fate) {
        if fate != Fate::Stored {
            self.note(None, format!("{number} is {fate:?}"));
        }
        self.said[number].known_at = self.said.len();
        self.said[number].fate = fate;
        if self.said[number].is_mute()
            && let Some(member) = self.said[number].heard_by.first()
        {
            let page = self.members[*member].page;
            self.problem(Some(page), format!("{number} is {fate:?}, and has been heard"));
        }
    }

    /// It was taken, and is none that was said before. Whether it should have been, by its key.
    pub(crate) fn taken(&mut self, number: usize) {
        let Some(key) = self.said[number].key.clone() else { return };
        let forgets = [Fault::Damage, Fault::LogClock, Fault::FailedSync];
        let forgets = self.forgets || forgets.iter().any(|fault| self.faults.contains_key(fault));
        let same = |said: &Said| said.key.as_ref() == Some(&key) && said.fate == Fate::Stored;
        let same = self.said[..number].iter().rposition(same);
        if let Some(first) = same.filter(|_| !forgets && self.class > Durability::Memory) {
            self.problem(
                None,
                format!("{number} is taken, but {first} is stored with the same key"),
            );
        }
    }

    /// A page asks to come in.
    pub(crate) fn entering(&mut self, page: usize) {
        self.pages[page].entering = self.said.len();
    }

    /// It is in, as this socket. Returns whose session that is.
    pub(crate) fn connected(
        &mut self,
        page: usize,
        id: &str,
        recovered: bool,
        rooms: &[String],
    ) -> usize {
        let (at, entering) = (self.said.len(), self.pages[page].entering);
        if let Some(member) = self.ids.get(id).copied() {
            if let Some(wrong) = self.members[member].found_in(rooms, at) {
                self.problem(Some(page), format!("session {member} is back, but {wrong}"));
            }
            if !recovered {
                self.problem(Some(page), format!("session {member} is back, but not recovered"));
            }
            self.note(Some(page), format!("the server has session {member} back"));
            return member;
        }
        let member = self.members.len();
        self.members.push(Member::new(page, id, entering, at));
        self.ids.insert(id.to_owned(), member);
        self.note(Some(page), format!("the server has a new session {member}"));
        member
    }

    /// A session will not come back. Not in the story: those that go at one time have no order.
    pub(crate) fn gone(&mut self, id: &str) {
        if let Some(member) = self.member_of(id) {
            self.members[member].is_gone = true;
        }
    }

    /// A change of a session is in the log.
    pub(crate) fn stored(&mut self, member: usize, change: usize) {
        let page = self.members[member].page;
        self.note(Some(page), format!("session {member}: change {change} is stored"));
        self.members[member].stored(change);
    }

    pub(crate) fn member_of(&self, id: &str) -> Option<usize> {
        self.ids.get(id).copied()
    }

    /// A session changes rooms. Returns the number of the change, if it is one.
    pub(crate) fn change(&mut self, member: usize, room: &str, joined: bool) -> Option<usize> {
        let is = self.members[member].stay(room);
        let same = is == if joined { Stay::In } else { Stay::Out };
        if same || self.members[member].is_gone {
            return None;
        }
        let (at, page) = (self.said.len(), self.members[member].page);
        let does = if joined { "joins" } else { "leaves" };
        self.note(Some(page), format!("session {member} {does} {room}"));
        Some(self.members[member].change(room, joined, at))
    }

    /// The server has ended, by itself or with the power.
    pub(crate) fn restart(&mut self, power: bool) {
        let durable = |said: &Said| said.class == Durability::Fsync && said.fate == Fate::Stored;
        let up_to = self.said.iter().rposition(durable);
        let accepted = |said: &Said| said.class > Durability::Memory && said.fate == Fate::Stored;
        let accepted = self.said.iter().rposition(accepted);
        for (number, said) in self.said.iter_mut().enumerate() {
            let survives = !power || up_to.is_some_and(|up_to| number <= up_to);
            // What failed last may be there all the same: the log had no time to say otherwise.
            let failed = said.fate == Fate::Failed && Some(said.known_at) > accepted;
            said.fate = if failed { Fate::Unknown } else { said.after_the_end(survives) };
        }
        // What was written and not synced when the store failed is as if the power had gone.
        let up_to = match (power || self.store_failed, self.class) {
            (true, Durability::Async) => up_to.map_or(0, |up_to| up_to + 1),
            _ => usize::MAX,
        };
        let class = self.class;
        self.members.iter_mut().for_each(|member| member.restart(class, up_to));
        let memory = |said: &Said| said.class == Durability::Memory && said.kind != Kind::Volatile;
        let light = class == Durability::Memory || self.said.iter().any(memory);
        for page in &mut self.pages {
            page.connected = false;
            page.may_lose |= light;
        }
    }
}

impl Said {
    fn after_the_end(&self, survives: bool) -> Fate {
        match (self.fate, self.class) {
            (Fate::Waiting, Durability::Async) if !survives => Fate::Lost,
            // In memory alone: whoever missed it is told of a gap, if anybody has heard it.
            (Fate::Waiting, _) | (Fate::Stored, Durability::Memory) => Fate::Unknown,
            (Fate::Stored, _) if !survives => Fate::Lost,
            (fate, _) => fate,
        }
    }
}
