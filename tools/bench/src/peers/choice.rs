//! Who takes part: words of the command line.

use clap::ValueEnum;
use clap::builder::PossibleValue;

use super::Peer;

/// One word of `--servers`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Every one there is.
    All,
    /// This one.
    One(Peer),
}

impl Choice {
    /// The chosen ones in the order of the table; nothing chosen means [`Peer::USUAL`].
    ///
    /// ```
    /// use sockeye_bench::peers::{Choice, Peer};
    ///
    /// let chosen = Choice::peers(&[Choice::One(Peer::Bun), Choice::One(Peer::Sockeye)]);
    /// assert_eq!(chosen, [Peer::Sockeye, Peer::Bun]);
    /// ```
    pub fn peers(choices: &[Self]) -> Vec<Peer> {
        let wanted = |peer: &Peer| match choices {
            [] => Peer::USUAL.contains(peer),
            _ => choices.contains(&Self::All) || choices.contains(&Self::One(*peer)),
        };
        Peer::ALL.into_iter().filter(wanted).collect()
    }
}

impl ValueEnum for Choice {
    fn value_variants<'a>() -> &'a [Self] {
        const EVERY: [Choice; Peer::ALL.len() + 1] = {
            let mut all = [Choice::All; Peer::ALL.len() + 1];
            let mut place = 0;
            while place < Peer::ALL.len() {
                all[place] = Choice::One(Peer::ALL[place]);
                place += 1;
            }
            all
        };
        &EVERY
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Self::All => Some(PossibleValue::new("all").help("Every one of them")),
            Self::One(peer) => peer.to_possible_value(),
        }
    }
}
