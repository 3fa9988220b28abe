//! What a feature costs: each switch is our contract server once more, started with that feature on.

use std::fmt::{self, Display, Formatter};

use clap::ValueEnum;

use super::{Peer, Prepared};

/// One word of `--with`, and one more column. A new one is a variant here, and its [`Setting`] below.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// Two workers; pinned, they share the server's core.
    #[value(name = "workers-2")]
    Workers2,
    /// Clients of Socket.IO 2 may come; none does.
    #[value(name = "eio3")]
    OldClients,
    /// Clients may compress; those of this bench do not ask for it.
    Deflate,
    /// Every limit and rate is on, and far from being reached.
    Limits,
    /// Every event has its place in a log in memory.
    DurableMemory,
    /// Every event is in the log on disk before it leaves; what was written is made durable 20 times a second.
    DurableAsync,
    /// Every event is durable before it leaves.
    DurableFsync,
}

/// What turns a feature of the contract server on.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Behind the other words of its command.
    pub arguments: &'static [&'static str],
    /// In its environment.
    pub variables: &'static [(&'static str, &'static str)],
}

impl Switch {
    /// What turns it on.
    pub fn setting(self) -> Setting {
        match self {
            Self::Workers2 => Setting { arguments: &["--workers", "2"], variables: &[] },
            Self::OldClients => Setting { arguments: &[], variables: &[("EIO3", "1")] },
            Self::Deflate => Setting { arguments: &[], variables: &[("DEFLATE", "1024")] },
            Self::Limits => Setting { arguments: &[], variables: &[("LIMITS", "1")] },
            Self::DurableMemory => Setting { arguments: &[], variables: &[("DURABLE", "memory")] },
            Self::DurableAsync => Setting { arguments: &[], variables: &[("DURABLE", "async")] },
            Self::DurableFsync => Setting { arguments: &[], variables: &[("DURABLE", "fsync")] },
        }
    }

    /// Puts these switches behind [`Peer::Sockeye`], each once, in the order of [`Switch`].
    ///
    /// ```
    /// use sockeye_bench::peers::{Peer, Switch};
    ///
    /// let columns = Switch::beside(vec![Peer::Sockeye, Peer::Floor], &[Switch::Workers2]);
    /// assert_eq!(columns, [Peer::Sockeye, Peer::With(Switch::Workers2), Peer::Floor]);
    /// ```
    pub fn beside(mut peers: Vec<Peer>, switches: &[Self]) -> Vec<Peer> {
        let place = peers.iter().position(|&peer| peer == Peer::Sockeye).map_or(0, |at| at + 1);
        let wanted = Self::value_variants().iter().filter(|switch| switches.contains(switch));
        peers.splice(place..place, wanted.map(|&switch| Peer::With(switch)));
        peers
    }

    /// The contract server with the feature on; the report says what that took.
    pub(super) fn turn_on(self, server: Prepared) -> Prepared {
        let Setting { arguments, variables } = self.setting();
        let assigned = variables.iter().map(|(name, value)| format!("{name}={value}"));
        let words: Vec<_> = assigned.chain(arguments.iter().map(ToString::to_string)).collect();
        let mut command = server.command;
        command.extend(arguments.iter().map(ToString::to_string));
        Prepared {
            command,
            variables: variables.to_vec(),
            version: format!("{} with `{}`", server.version, words.join(" ")),
            ..server
        }
    }
}

impl Display for Switch {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value().expect("no switch is hidden");
        f.write_str(value.get_name())
    }
}
