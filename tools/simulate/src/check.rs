//! What must hold: nothing is lost, nothing comes twice, nothing comes to others, one order for all.

use sockeye::Durability;

use crate::plan::Fault;
use crate::record::Life;
use crate::said::Kind;

/// What a page has heard.
pub(crate) struct Words<'a> {
    pub(crate) number: usize,
    pub(crate) token: Option<&'a str>,
    /// A question has an id.
    pub(crate) question: Option<u64>,
}

impl Life {
    /// A page's listeners are handed an event.
    pub(crate) fn heard(&mut self, page: usize, words: &Words<'_>) {
        let number = words.number;
        let Some(member) = self.pages[page].member else {
            return self.problem(Some(page), format!("heard {number}, and is nobody"));
        };
        self.note(Some(page), format!("heard {number}"));
        if let Some(wrong) = self.wrong(page, member, words) {
            self.problem(Some(page), format!("heard {number}, {wrong}"));
        }
        self.said[number].heard_by.insert(member);
        let heard = &mut self.pages[page];
        heard.events.insert(number);
        heard.questions.extend(words.question.map(|id| (number, (id, heard.connections))));
        if self.said[number].kind != Kind::Volatile {
            heard.last = Some(number);
            self.settle(member, number);
        }
    }

    fn wrong(&mut self, page: usize, member: usize, words: &Words<'_>) -> Option<String> {
        let number = words.number;
        let said = &self.said[number];
        if said.is_mute() {
            return Some(format!("which is {:?}", said.fate));
        }
        let early = self.members[member].entering..self.members[member].born;
        let early = early.contains(&number) && said.address.to.is_empty();
        if !early && !said.must.contains(&member) && !said.may.contains(&member) {
            return Some(format!("which is not for session {member}"));
        }
        self.wrong_order(page, words).or_else(|| self.wrong_token(words))
    }

    fn wrong_order(&self, page: usize, words: &Words<'_>) -> Option<String> {
        let heard = &self.pages[page];
        let number = words.number;
        if heard.events.contains(&number) && !self.is_asked_again(page, words) {
            return Some("which it has heard before".to_owned());
        }
        let last =
            heard.last.filter(|last| *last > number && self.said[number].kind != Kind::Volatile);
        last.map(|last| format!("behind {last}"))
    }

    /// The connection may have ended between a question and the packet that moves the client's position. Then it
    /// is the last thing that it has heard, comes on another connection, and has the same id.
    fn is_asked_again(&self, page: usize, words: &Words<'_>) -> bool {
        let heard = &self.pages[page];
        let before = heard.questions.get(&words.number);
        heard.last == Some(words.number)
            && before.is_some_and(|(id, connection)| {
                Some(*id) == words.question && *connection < heard.connections
            })
    }

    fn wrong_token(&mut self, words: &Words<'_>) -> Option<String> {
        let token = words.token?;
        let first = self.tokens.entry(words.number).or_insert_with(|| token.to_owned());
        (first != token).then(|| "with another token than others".to_owned())
    }

    /// What it was to hear before this has been passed over.
    fn settle(&mut self, member: usize, number: usize) {
        let member = &mut self.members[member];
        while let Some(owed) = member.owed.pop_front_if(|owed| *owed <= number) {
            if owed < number {
                member.passed.push(owed);
            }
        }
    }

    /// The answer to a CONNECT: who the page is from now on.
    pub(crate) fn welcomed(&mut self, page: usize, id: &str, recovered: bool, was_somebody: bool) {
        let before = self.pages[page].member;
        let member = self.member_of(id);
        let heard = &mut self.pages[page];
        (heard.member, heard.connected) = (member, true);
        heard.connections += 1;
        heard.gap_expected |= was_somebody && !recovered;
        self.note(Some(page), format!("is session {member:?}, recovered: {recovered}"));
        if recovered && before != member {
            self.problem(Some(page), format!("was session {before:?}, and is now {member:?}"));
        }
        if recovered {
            self.recovered += 1;
            return;
        }
        if was_somebody && !self.pages[page].may_lose {
            self.problem(Some(page), "has lost its session for no reason");
        }
        let restarted = self.class == Durability::Memory && self.faults.contains_key(&Fault::Kill);
        let lossy = self.forgets || restarted || self.faults.keys().any(|fault| fault.is_loss());
        self.pages[page].may_lose = lossy || self.pages[page].stops > 0;
    }

    /// It is told that something is missing.
    pub(crate) fn told_of_a_gap(&mut self, page: usize, what: &str) {
        self.gaps += 1;
        self.note(Some(page), format!("is told of a gap: {what}"));
        if std::mem::take(&mut self.pages[page].gap_expected) {
            self.pages[page].told = self.pages[page].member;
            return;
        }
        // What could not be written is told until the client has proven that it has it, and may be in the log all the
        // same after a restart.
        let failed = self.faults.keys().any(|fault| fault.is_of_store());
        let again = failed && self.pages[page].told == self.pages[page].member;
        if !again {
            self.problem(Some(page), format!("is told of a gap, and there is none: {what}"));
        }
    }

    /// At the end of a life: what somebody should have heard, and has not.
    pub(crate) fn look_back(&mut self) {
        for page in 0..self.pages.len() {
            if self.pages[page].gap_expected {
                self.problem(Some(page), "has got another session, and was not told of a gap");
            }
            match self.pages[page].member.filter(|_| self.pages[page].connected) {
                None => self.problem(Some(page), "is not back at the end"),
                Some(member) => self.look_for_losses(page, member),
            }
        }
    }

    fn look_for_losses(&mut self, page: usize, member: usize) {
        let one = &self.members[member];
        let missing = one.passed.iter().chain(&one.owed).copied();
        let missing: Vec<usize> = missing.filter(|number| self.said[*number].is_due()).collect();
        for number in missing {
            let said = &self.said[number];
            let (step, fate, others) = (said.step, said.fate, said.heard_by.len());
            self.problem(
                Some(page),
                format!("never heard {number}, said in step {step}, {fate:?}, heard by {others}"),
            );
        }
    }
}
