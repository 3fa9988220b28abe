//! The words of a broadcast: `to`, `except`, and who is meant by them.

use smallvec::SmallVec;

use crate::{Key, Room};

/// Who should hear a broadcast.
///
/// Rooms named by [`to`](Self::to) are united, and each socket counts once however many of them it
/// is in; no room at all means everyone. What [`except`](Self::except) and
/// [`except_socket`](Self::except_socket) name is then taken away, wherever it stood in the call.
///
/// ```
/// use sockeye_adapter::{Audience, Local};
///
/// let local = Local::new();
/// let editor = local.add("e", "editor");
/// let author = local.add("a", "author");
/// local.join(editor, "staff");
/// local.join(author, "staff");
/// local.join(author, "muted");
///
/// let audience = Audience::everyone().to("staff").to("readers").except("muted");
/// assert_eq!(local.members(&audience), ["editor"]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audience {
    to: SmallVec<[Room; 1]>,
    except: SmallVec<[Room; 1]>,
    except_sockets: SmallVec<[Key; 1]>,
}

impl Audience {
    /// Every socket of the namespace, until [`to`](Self::to) narrows it.
    pub fn everyone() -> Self {
        Self::default()
    }

    /// Adds the sockets of a room. The room need not exist.
    #[must_use]
    pub fn to(mut self, room: impl Into<Room>) -> Self {
        add_once(&mut self.to, room.into());
        self
    }

    /// Takes away the sockets of a room, even those that another room added.
    #[must_use]
    pub fn except(mut self, room: impl Into<Room>) -> Self {
        add_once(&mut self.except, room.into());
        self
    }

    /// Takes away one socket. A stale key takes away nobody.
    #[must_use]
    pub fn except_socket(mut self, key: Key) -> Self {
        add_once(&mut self.except_sockets, key);
        self
    }

    /// The rooms that are meant; empty means everyone.
    pub fn rooms(&self) -> &[Room] {
        &self.to
    }

    /// The rooms that are left out.
    pub fn excluded_rooms(&self) -> &[Room] {
        &self.except
    }

    /// The single sockets that are left out.
    pub fn excluded_sockets(&self) -> &[Key] {
        &self.except_sockets
    }
}

/// Lists stay free of doubles, so that `to("a").to("a")` is as cheap as `to("a")`.
fn add_once<T: PartialEq>(list: &mut SmallVec<[T; 1]>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}
