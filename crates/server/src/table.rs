//! The table of namespaces: found, made for clients, and ended when nobody is in them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::durable::Durable;
use crate::parent::Childhood;
use crate::{Io, Namespace, ParentNamespace};

impl Io {
    /// The namespace a client asks for, if it is there.
    pub(crate) fn find(&self, name: &str) -> Option<Namespace> {
        if name == "/" {
            return Some(self.0.main.clone());
        }
        self.0.namespaces.read().get(name).cloned()
    }

    /// The namespace of this name, made if it is not there; `enter` is called before it can end.
    pub(crate) fn get_or_make(
        &self,
        name: &str,
        make: impl FnOnce() -> Namespace,
        enter: impl FnOnce(&Namespace),
    ) -> Namespace {
        let mut is_new = false;
        let mut namespaces = self.0.namespaces.write();
        let found = namespaces.entry(Box::from(name)).or_insert_with(|| {
            is_new = true;
            make()
        });
        enter(found);
        let namespace = found.clone();
        drop(namespaces);
        if is_new {
            self.announce(&namespace);
        }
        namespace
    }

    pub(crate) fn parent_of(&self, name: &str) -> Option<ParentNamespace> {
        let parents = Arc::clone(&*self.0.parents.read());
        parents.iter().find(|parent| parent.matches(name)).cloned()
    }

    fn announce(&self, namespace: &Namespace) {
        let Some(hook) = self.0.on_new.read().clone() else {
            return;
        };
        if catch_unwind(AssertUnwindSafe(|| hook(namespace))).is_err() {
            tracing::error!(namespace = namespace.name(), "the hook for new namespaces panicked");
        }
    }

    /// The namespace for a client that wants to connect to it. Whoever gets a child tells
    /// [`release`](Self::release) when it has left.
    pub(crate) fn admit(&self, name: &str) -> Option<Namespace> {
        if name == "/" {
            return Some(self.0.main.clone());
        }
        let enter = |namespace: &Namespace| {
            if let Some(child) = namespace.childhood() {
                child.enter();
            }
        };
        let known = self.0.namespaces.read().get(name).inspect(|known| enter(known)).cloned();
        known.or_else(|| {
            let parent = self.parent_of(name)?;
            Some(self.get_or_make(name, || parent.child(name, false), enter))
        })
    }

    /// A socket of this namespace has left, or was refused: a child that is empty ends.
    pub(crate) fn release(&self, namespace: &Namespace) {
        if namespace.childhood().is_some_and(Childhood::leave) {
            self.end_if_over(namespace);
        }
    }

    /// A child ends if nobody is in it, and nobody is away who may come back.
    pub(crate) fn end_if_over(&self, namespace: &Namespace) {
        let Some(child) = namespace.childhood() else { return };
        let durable = namespace.durable_part();
        let mut namespaces = self.0.namespaces.write();
        let same = namespaces.get(namespace.name()).is_some_and(|there| there.is(namespace));
        if same && child.is_over() && durable.is_none_or(|durable| durable.is_empty()) {
            // Under this lock: the next one of this name begins behind all that this one has logged.
            durable.inspect(|durable| durable.close());
            namespaces.remove(namespace.name());
        }
    }

    /// Clients that were in the durable children of a parent when an earlier run ended may come back.
    pub(crate) fn take_up(&self, parent: &ParentNamespace) {
        for name in parent.names_of_earlier() {
            if self.parent_of(&name).is_some_and(|first| first.is(parent)) {
                let namespace = self.get_or_make(&name, || parent.child(&name, false), |_| {});
                parent.take_up(&namespace);
                self.end_if_over(&namespace);
            }
        }
    }

    pub(crate) fn children_of(&self, parent: &ParentNamespace) -> Vec<Namespace> {
        let is_child =
            |one: &&Namespace| one.childhood().is_some_and(|child| child.parent().is(parent));
        self.0.namespaces.read().values().filter(is_child).cloned().collect()
    }

    /// One durable namespace of each family: those that were made by name, and what children have in common.
    pub(crate) fn each_family(&self, mut act: impl FnMut(&Durable)) {
        let namespaces = self.0.namespaces.read();
        let parents = Arc::clone(&*self.0.parents.read());
        let named = namespaces.values().filter(|namespace| namespace.childhood().is_none());
        let all = named.chain(parents.iter().map(ParentNamespace::handlers));
        all.filter_map(Namespace::durable_part).for_each(|durable| act(durable));
    }
}
