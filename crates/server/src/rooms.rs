//! What may stand where a room is named.

/// One room, or several: `"a"`, `String`, `["a", "b"]`, `vec!["a"]`, `&names`.
///
/// ```
/// use sockeye::Io;
///
/// let io = Io::builder().build()?;
/// let name = String::from("lobby");
/// io.to("lobby").to(&name).to(["a", "b"]).to(vec![name]).emit("hello", &())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name rooms",
    label = "a room is `&str` or `String`; several are an array, a slice or a `Vec` of them"
)]
pub trait Rooms {
    /// Calls `each` with the name of every room.
    fn for_each(self, each: &mut dyn FnMut(&str));
}

impl Rooms for &str {
    fn for_each(self, each: &mut dyn FnMut(&str)) {
        each(self);
    }
}

impl Rooms for String {
    fn for_each(self, each: &mut dyn FnMut(&str)) {
        each(&self);
    }
}

impl Rooms for &String {
    fn for_each(self, each: &mut dyn FnMut(&str)) {
        each(self);
    }
}

impl<R: AsRef<str>> Rooms for &[R] {
    fn for_each(self, each: &mut dyn FnMut(&str)) {
        for room in self {
            each(room.as_ref());
        }
    }
}

impl<R: AsRef<str>> Rooms for Vec<R> {
    fn for_each(self, each: &mut dyn FnMut(&str)) {
        Rooms::for_each(self.as_slice(), each);
    }
}

impl<R: AsRef<str>> Rooms for &Vec<R> {
    fn for_each(self, each: &mut dyn FnMut(&str)) {
        Rooms::for_each(self.as_slice(), each);
    }
}

impl<R: AsRef<str>, const N: usize> Rooms for [R; N] {
    fn for_each(self, each: &mut dyn FnMut(&str)) {
        Rooms::for_each(self.as_slice(), each);
    }
}

impl<R: AsRef<str>, const N: usize> Rooms for &[R; N] {
    fn for_each(self, each: &mut dyn FnMut(&str)) {
        Rooms::for_each(self.as_slice(), each);
    }
}
