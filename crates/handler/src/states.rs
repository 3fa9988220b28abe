//! What a builder is given for the handlers: `State<T>`.

use std::any::{Any, TypeId};
use std::collections::HashMap;

/// One value of each type.
#[derive(Debug, Default)]
pub struct States(HashMap<TypeId, Box<dyn Any + Send + Sync>>);

impl States {
    /// Puts a value in; one of its type that was there is gone.
    pub fn insert<T: Send + Sync + 'static>(&mut self, state: T) {
        self.0.insert(TypeId::of::<T>(), Box::new(state));
    }

    /// The value of this type.
    pub fn get<T: 'static>(&self) -> Option<&T> {
        self.0.get(&TypeId::of::<T>()).and_then(|state| state.downcast_ref())
    }

    /// Whether there is a value of this type.
    pub fn has(&self, id: TypeId) -> bool {
        self.0.contains_key(&id)
    }
}
