//! What happens to one connection, as a script or as a seed has it.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// What happens to one connection.
#[derive(Clone, Copy, Debug)]
pub enum Fate {
    /// Bytes are passed on, until something goes wrong in one of the directions.
    Pass {
        /// From the client to the server.
        up: Way,
        /// From the server to the client.
        down: Way,
    },
    /// It is taken, and closed at once.
    Close,
    /// It is taken, and nothing comes of it.
    Ignore,
}

/// One direction.
#[derive(Clone, Copy, Debug, Default)]
pub struct Way {
    /// How late everything arrives.
    pub delay: Duration,
    /// What happens when so many bytes have passed.
    pub fault: Option<(usize, Fault)>,
}

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Both sides see the end of the stream.
    Cut,
    /// Both sides see a reset.
    Reset,
    /// The end of the stream is seen in this direction only, as if the sender had said so.
    End,
    /// What comes after is taken and thrown away, in both directions: the connection is half open.
    Swallow,
    /// What comes after is not taken any more in this direction, so that the sender's writes block.
    Stall,
    /// One byte is another one; all others pass.
    Garble,
}

impl Fate {
    /// Everything passes.
    pub fn pass() -> Self {
        Fate::Pass { up: Way::default(), down: Way::default() }
    }

    /// And this happens when so many bytes have gone from the client to the server.
    #[must_use]
    pub fn up(mut self, bytes: usize, fault: Fault) -> Self {
        if let Fate::Pass { up, .. } = &mut self {
            up.fault = Some((bytes, fault));
        }
        self
    }

    /// And this happens when so many bytes have come from the server to the client.
    #[must_use]
    pub fn down(mut self, bytes: usize, fault: Fault) -> Self {
        if let Fate::Pass { down, .. } = &mut self {
            down.fault = Some((bytes, fault));
        }
        self
    }

    /// And everything arrives so late, in both directions.
    #[must_use]
    pub fn late(mut self, late: Duration) -> Self {
        if let Fate::Pass { up, down } = &mut self {
            up.delay = late;
            down.delay = late;
        }
        self
    }
}

/// Fates by chance, the same ones from the same seed.
pub struct Mixture {
    random: StdRng,
    /// Bytes after which something goes wrong, at most.
    most: usize,
    garbles: bool,
}

impl Mixture {
    /// Something goes wrong with most connections, after at most so many bytes; nothing is garbled.
    pub fn new(seed: u64, most: usize) -> Self {
        Mixture { random: StdRng::seed_from_u64(seed), most, garbles: false }
    }

    /// Bytes are garbled as well: what arrives is then not what was said.
    #[must_use]
    pub fn garbles(mut self) -> Self {
        self.garbles = true;
        self
    }

    /// What happens to the next connection.
    pub fn next_fate(&mut self) -> Fate {
        match self.random.random_range(0..20) {
            0 => return Fate::Close,
            1 => return Fate::Ignore,
            2..5 => return Fate::pass(),
            _ => {}
        }
        let late = Duration::from_millis(self.random.random_range(0..20));
        // Small numbers are as likely as large ones: much happens in the first bytes.
        let most = self.random.random_range(1..=self.most);
        let bytes = self.random.random_range(0..most);
        let fault = self.fault();
        let fate = if self.random.random() {
            Fate::pass().up(bytes, fault)
        } else {
            Fate::pass().down(bytes, fault)
        };
        if self.random.random_range(0..4) == 0 { fate.late(late) } else { fate }
    }

    fn fault(&mut self) -> Fault {
        const FAULTS: [Fault; 6] =
            [Fault::Cut, Fault::Reset, Fault::End, Fault::Swallow, Fault::Stall, Fault::Garble];
        let most = if self.garbles { FAULTS.len() } else { FAULTS.len() - 1 };
        FAULTS[self.random.random_range(0..most)]
    }
}
