//! How many arguments a Rust type stands for: `()` none, a tuple one for each of its parts, any
//! other type one.
//!
//! Serde shows tuples and arrays alike (`serialize_tuple`), so the type's name has to tell. That
//! the compiler writes a tuple's name with a parenthesis in front is pinned by a test.

/// How many arguments a type stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arity {
    None,
    One,
    Several,
}

impl Arity {
    /// Of `T`, or of what `T` points to.
    pub(crate) fn of<T: ?Sized>() -> Self {
        let mut name = std::any::type_name::<T>();
        while let Some(pointee) = POINTERS.iter().find_map(|pointer| name.strip_prefix(pointer)) {
            name = pointee;
        }
        match name.as_bytes() {
            [b'(', b')', ..] => Self::None,
            [b'(', b'd', b'y', b'n', b' ', ..] => Self::One,
            [b'(', ..] => Self::Several,
            _ => Self::One,
        }
    }
}

/// What serde looks through, as the compiler writes it.
const POINTERS: [&str; 7] = [
    "&",
    "mut ",
    "alloc::boxed::Box<",
    "alloc::rc::Rc<",
    "alloc::sync::Arc<",
    "alloc::borrow::Cow<",
    "'_, ",
];
