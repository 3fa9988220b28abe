//! The classes of events, and the namespace that each has in the contract server's profile `delivery`.

use sockeye::Durability;

/// How safely an event is stored before it leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Not at all: a namespace that promises nothing.
    Plain,
    /// In the memory of the server.
    Memory,
    /// With the operating system.
    Async,
    /// On the disk.
    Fsync,
}

impl Class {
    /// Those that promise something.
    pub const DURABLE: [Self; 3] = [Self::Memory, Self::Async, Self::Fsync];
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Plain, Self::Memory, Self::Async, Self::Fsync];

    /// What tables call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Memory => "memory",
            Self::Async => "async",
            Self::Fsync => "fsync",
        }
    }

    /// Its namespace.
    pub fn namespace(self) -> &'static str {
        match self {
            Self::Plain => "/plain",
            Self::Memory => "/memory",
            Self::Async => "/async",
            Self::Fsync => "/",
        }
    }

    /// What a namespace's packets begin with, behind their types: the main one is not named.
    pub fn prefix(self) -> String {
        match self.namespace() {
            "/" => String::new(),
            name => format!("{name},"),
        }
    }

    /// What the server calls it.
    pub fn durability(self) -> Option<Durability> {
        match self {
            Self::Plain => None,
            Self::Memory => Some(Durability::Memory),
            Self::Async => Some(Durability::Async),
            Self::Fsync => Some(Durability::Fsync),
        }
    }
}
