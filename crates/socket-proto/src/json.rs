//! Walks over JSON (RFC 8259) without building anything: finds where values end, and whether they
//! are JSON at all.
//!
//! Iterative, so that nesting costs one bit a level and no stack. Numbers keep whatever digits
//! they have and strings whatever escapes: nothing is converted, so nothing can be lost.

use std::ops::Range;

/// The text ceases to be JSON at this byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotJson {
    pub(crate) at: usize,
}

/// A place in a text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// A part of the text that was stepped over.
    pub(crate) fn text(&self, range: Range<usize>) -> &'a str {
        &self.text[range]
    }

    /// The next byte, if any.
    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The error that names this place.
    pub(crate) fn fault<T>(&self) -> Result<T, NotJson> {
        Err(NotJson { at: self.at })
    }

    /// Steps over `byte` if it is the next one.
    #[inline]
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Steps over `word` if it comes next.
    #[inline]
    pub(crate) fn eat_word(&mut self, word: &[u8]) -> bool {
        let found = self.text.as_bytes()[self.at..].starts_with(word);
        self.at += if found { word.len() } else { 0 };
        found
    }

    /// Steps over one byte that is known to be ASCII.
    pub(crate) fn step(&mut self) {
        self.at += 1;
    }

    /// Steps over blanks.
    #[inline]
    pub(crate) fn blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// Steps over `byte` and the blanks around it.
    pub(crate) fn mark(&mut self, byte: u8) -> Result<(), NotJson> {
        self.blanks();
        if !self.eat(byte) {
            return self.fault();
        }
        self.blanks();
        Ok(())
    }

    /// Steps over the blanks at the end; anything else there is a fault.
    pub(crate) fn end(&mut self) -> Result<(), NotJson> {
        self.blanks();
        if self.at < self.text.len() { self.fault() } else { Ok(()) }
    }

    /// Steps over one value, with all that is nested in it, and returns its text.
    #[inline]
    pub(crate) fn value(&mut self) -> Result<&'a str, NotJson> {
        match self.peek() {
            Some(b'"') => self.string(),
            _ => self.nested_value(),
        }
    }

    fn nested_value(&mut self) -> Result<&'a str, NotJson> {
        let start = self.at;
        let mut nesting = Nesting::default();
        loop {
            if self.begin(&mut nesting)? {
                continue;
            }
            if self.follow(&mut nesting)? {
                return Ok(&self.text[start..self.at]);
            }
        }
    }

    /// Steps over a string and returns its text, quotes included.
    #[inline]
    pub(crate) fn string(&mut self) -> Result<&'a str, NotJson> {
        let start = self.at;
        if !self.eat(b'"') {
            return self.fault();
        }
        loop {
            self.at += plain_run(&self.text.as_bytes()[self.at..]);
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
                _ => return self.fault(),
            }
        }
        self.at += 1;
        Ok(&self.text[start..self.at])
    }

    /// Steps over a string without escapes and returns what is between its quotes; does nothing
    /// and returns `None` if anything else comes.
    #[inline]
    pub(crate) fn plain_string(&mut self) -> Option<&'a str> {
        let rest = self.text.as_bytes()[self.at..].strip_prefix(b"\"")?;
        let len = plain_run(rest);
        if rest.get(len) != Some(&b'"') {
            return None;
        }
        let start = self.at + 1;
        self.at = start + len + 1;
        Some(&self.text[start..start + len])
    }

    /// Steps over a scalar, or into a container. True if a nested value comes next.
    #[inline]
    fn begin(&mut self, nesting: &mut Nesting) -> Result<bool, NotJson> {
        match self.peek() {
            Some(b'"') => self.string().map(|_| false),
            Some(b'-' | b'0'..=b'9') => self.number().map(|()| false),
            Some(b'{') => self.open_object(nesting),
            Some(b'[') => Ok(self.open_array(nesting)),
            Some(b't') => self.word(b"true"),
            Some(b'f') => self.word(b"false"),
            Some(b'n') => self.word(b"null"),
            _ => self.fault(),
        }
    }

    /// What follows a value inside its containers. True if the outermost value is complete, false
    /// if another value comes.
    #[inline]
    fn follow(&mut self, nesting: &mut Nesting) -> Result<bool, NotJson> {
        while let Some(inside) = nesting.innermost() {
            self.blanks();
            match (self.peek(), inside) {
                (Some(b','), Container::Array) => {
                    self.at += 1;
                    self.blanks();
                    return Ok(false);
                }
                (Some(b','), Container::Object) => {
                    self.at += 1;
                    self.blanks();
                    return self.key().map(|()| false);
                }
                (Some(b']'), Container::Array) | (Some(b'}'), Container::Object) => {
                    self.at += 1;
                    nesting.pop();
                }
                _ => return self.fault(),
            }
        }
        Ok(true)
    }

    fn open_object(&mut self, nesting: &mut Nesting) -> Result<bool, NotJson> {
        self.at += 1;
        self.blanks();
        if self.eat(b'}') {
            return Ok(false);
        }
        nesting.push(Container::Object);
        self.key().map(|()| true)
    }

    fn open_array(&mut self, nesting: &mut Nesting) -> bool {
        self.at += 1;
        self.blanks();
        if self.eat(b']') {
            return false;
        }
        nesting.push(Container::Array);
        true
    }

    fn key(&mut self) -> Result<(), NotJson> {
        self.string()?;
        self.mark(b':')
    }

    fn word(&mut self, word: &[u8]) -> Result<bool, NotJson> {
        if self.eat_word(word) { Ok(false) } else { self.fault() }
    }

    /// `-`? then 0 or digits without a leading 0, a fraction?, an exponent? (RFC 8259, 6).
    fn number(&mut self) -> Result<(), NotJson> {
        self.eat(b'-');
        if !self.eat(b'0') {
            self.digits()?;
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _sign = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        Ok(())
    }

    /// One digit or more.
    fn digits(&mut self) -> Result<(), NotJson> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start { self.fault() } else { Ok(()) }
    }

    /// One escape of a string. Halves of surrogate pairs are fine, alone as well: the grammar
    /// allows them, and JavaScript sends them.
    fn escape(&mut self) -> Result<(), NotJson> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.peek().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                        return self.fault();
                    }
                    self.at += 1;
                }
            }
            _ => return self.fault(),
        }
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Container {
    Array,
    Object,
}

/// The containers around a place: one bit each, the innermost lowest. The first 64 need no heap;
/// the rest takes an eighth of a byte for each byte the peer spent on a bracket.
#[derive(Default)]
struct Nesting {
    bits: u64,
    depth: usize,
    outer: Vec<u64>,
}

impl Nesting {
    #[inline]
    fn push(&mut self, container: Container) {
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.outer.push(self.bits);
        }
        self.bits = self.bits << 1 | u64::from(container == Container::Object);
        self.depth += 1;
    }

    #[inline]
    fn pop(&mut self) {
        self.depth -= 1;
        self.bits >>= 1;
        if self.depth.is_multiple_of(64)
            && let Some(outer) = self.outer.pop()
        {
            self.bits = outer;
        }
    }

    #[inline]
    fn innermost(&self) -> Option<Container> {
        match (self.depth, self.bits & 1) {
            (0, _) => None,
            (_, 0) => Some(Container::Array),
            _ => Some(Container::Object),
        }
    }
}

/// How many bytes at the start are neither quote, backslash nor control character.
///
/// Eight at a time, which suits names and short strings; long ones go by the stride, in a loop that
/// the compiler turns into vector instructions.
#[inline]
fn plain_run(bytes: &[u8]) -> usize {
    const STRIDE: usize = 64;
    let mut run = 0;
    loop {
        let rest = &bytes[run..];
        for word in rest.as_chunks::<8>().0.iter().take(STRIDE / 8) {
            let special = special_bytes(u64::from_le_bytes(*word));
            if special != 0 {
                return run + special.trailing_zeros() as usize / 8;
            }
            run += 8;
        }
        if rest.len() < STRIDE {
            break;
        }
        let strides = bytes[run..].as_chunks::<STRIDE>().0;
        run += STRIDE * strides.iter().take_while(|stride| is_plain(stride)).count();
    }
    run + bytes[run..].iter().take_while(|byte| !is_special(**byte)).count()
}

#[inline]
fn is_special(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..0x20)
}

fn is_plain(stride: &[u8; 64]) -> bool {
    !stride.iter().fold(false, |special, byte| special | is_special(*byte))
}

/// The high bit of each byte that is special; above the lowest such bit there may be false ones.
#[inline]
fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    let zero_bytes = |word: u64| word.wrapping_sub(ONES) & !word;
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    let quote = zero_bytes(word ^ (ONES * u64::from(b'"')));
    let backslash = zero_bytes(word ^ (ONES * u64::from(b'\\')));
    (control | quote | backslash) & (ONES * 0x80)
}
