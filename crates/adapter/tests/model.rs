//! Any life of a namespace, against a model that is too simple to be wrong.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use proptest::collection::vec;
use proptest::prelude::*;
use sockeye_adapter::{Audience, Key, Local};

/// What may happen. Numbers are taken modulo what there is.
#[derive(Clone, Debug)]
enum Step {
    Add,
    Remove(usize),
    Join(usize, usize),
    Leave(usize, usize),
    /// Joins many rooms in a row, so that the map of a busy socket is made and given up.
    JoinMany(usize),
    LeaveMany(usize),
    Ask {
        to: Vec<usize>,
        except: Vec<usize>,
        sockets: Vec<usize>,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let number = || 0..64_usize;
    prop_oneof![
        3 => Just(Step::Add),
        2 => number().prop_map(Step::Remove),
        6 => (number(), number()).prop_map(|(who, room)| Step::Join(who, room)),
        4 => (number(), number()).prop_map(|(who, room)| Step::Leave(who, room)),
        1 => number().prop_map(Step::JoinMany),
        1 => number().prop_map(Step::LeaveMany),
        4 => (vec(number(), 0..3), vec(number(), 0..3), vec(number(), 0..7))
            .prop_map(|(to, except, sockets)| Step::Ask { to, except, sockets }),
    ]
}

/// Everything as maps of sets. A socket's number is its place in `keys`; numbers are never reused.
#[derive(Default)]
struct Model {
    keys: Vec<Key>,
    rooms: BTreeMap<String, BTreeSet<usize>>,
    alive: BTreeSet<usize>,
}

impl Model {
    /// Room names: six plain ones, the ids of sockets, and many for the busy.
    fn name(&self, number: usize) -> String {
        match number {
            0..6 => format!("room-{number}"),
            6..12 => format!("id-{}", number % self.keys.len().max(1)),
            _ => format!("many-{number}"),
        }
    }

    fn is_own(who: usize, room: &str) -> bool {
        room == format!("id-{who}")
    }

    fn join(&mut self, who: usize, room: &str) -> bool {
        if self.alive.contains(&who) && !Self::is_own(who, room) {
            self.rooms.entry(room.to_owned()).or_default().insert(who);
        }
        self.alive.contains(&who)
    }

    fn leave(&mut self, who: usize, room: &str) -> bool {
        let left = self.rooms.get_mut(room).is_some_and(|members| members.remove(&who));
        self.rooms.retain(|_, members| !members.is_empty());
        left
    }

    fn remove(&mut self, who: usize) -> Option<usize> {
        self.rooms.values_mut().for_each(|members| {
            members.remove(&who);
        });
        self.rooms.retain(|_, members| !members.is_empty());
        self.alive.take(&who)
    }

    fn members(&self, room: &str) -> BTreeSet<usize> {
        let mut members = self.rooms.get(room).cloned().unwrap_or_default();
        members.extend(self.alive.iter().filter(|who| Self::is_own(**who, room)));
        members
    }

    fn audience(&self, to: &[String], except: &[String], sockets: &[usize]) -> Vec<usize> {
        let mut heard: BTreeSet<usize> = match to {
            [] => self.alive.clone(),
            rooms => rooms.iter().flat_map(|room| self.members(room)).collect(),
        };
        heard.retain(|who| !sockets.contains(who));
        except.iter().flat_map(|room| self.members(room)).for_each(|who| {
            heard.remove(&who);
        });
        heard.into_iter().collect()
    }

    fn rooms_of(&self, who: usize) -> Vec<&str> {
        let has = |members: &BTreeSet<usize>| members.contains(&who);
        self.rooms.iter().filter(|(_, members)| has(members)).map(|(room, _)| &**room).collect()
    }
}

/// Does one step on both sides; they must agree on every answer.
fn take(step: Step, model: &mut Model, local: &Local<usize>) {
    let some =
        |number: usize, model: &Model| (!model.keys.is_empty()).then(|| number % model.keys.len());
    match step {
        Step::Add => {
            let who = model.keys.len();
            model.keys.push(local.add(&format!("id-{who}"), who));
            model.alive.insert(who);
        }
        Step::Remove(number) => {
            let Some(who) = some(number, model) else {
                return;
            };
            assert_eq!(local.remove(model.keys[who]), model.remove(who));
        }
        Step::Join(number, room) => {
            let Some(who) = some(number, model) else {
                return;
            };
            let room = model.name(room % 12);
            assert_eq!(local.join(model.keys[who], &room), model.join(who, &room));
        }
        Step::Leave(number, room) => {
            let Some(who) = some(number, model) else {
                return;
            };
            let room = model.name(room);
            assert_eq!(local.leave(model.keys[who], &room), model.leave(who, &room));
        }
        Step::JoinMany(number) => {
            for room in 12..60 {
                let Some(who) = some(number, model) else {
                    return;
                };
                let room = model.name(room);
                assert_eq!(local.join(model.keys[who], &room), model.join(who, &room));
            }
        }
        Step::LeaveMany(number) => {
            for room in 12..50 {
                let Some(who) = some(number, model) else {
                    return;
                };
                let room = model.name(room);
                assert_eq!(local.leave(model.keys[who], &room), model.leave(who, &room));
            }
        }
        Step::Ask { to, except, sockets } => ask(&to, &except, &sockets, model, local),
    }
}

fn ask(to: &[usize], except: &[usize], sockets: &[usize], model: &Model, local: &Local<usize>) {
    let names = |list: &[usize]| list.iter().map(|room| model.name(*room)).collect::<Vec<_>>();
    let (to, except) = (names(to), names(except));
    let sockets: Vec<usize> =
        sockets.iter().copied().filter(|who| *who < model.keys.len()).collect();
    let mut audience = Audience::everyone();
    audience = to.iter().fold(audience, Audience::to);
    audience = except.iter().fold(audience, Audience::except);
    audience =
        sockets.iter().fold(audience, |audience, who| audience.except_socket(model.keys[*who]));

    let mut heard = local.members(&audience);
    heard.sort_unstable();
    assert_eq!(heard, model.audience(&to, &except, &sockets), "{audience:?}");
    assert_eq!(local.count(&audience), heard.len());
}

/// Both sides see the same house.
fn compare(model: &Model, local: &Local<usize>) {
    assert_eq!(local.len(), model.alive.len());
    let mut rooms = local.rooms();
    rooms.sort();
    assert_eq!(
        rooms.iter().map(|room| &**room).collect::<Vec<_>>(),
        model.rooms.keys().collect::<Vec<_>>()
    );
    for (who, key) in model.keys.iter().enumerate() {
        let alive = model.alive.contains(&who).then_some(who);
        assert_eq!(local.get(*key), alive);
        assert_eq!(local.by_id(&format!("id-{who}")), alive);
        let mut rooms = local.rooms_of(*key);
        rooms.sort();
        assert_eq!(rooms.iter().map(|room| &**room).collect::<Vec<_>>(), model.rooms_of(who));
        assert!(rooms.iter().all(|room| local.is_in(*key, room)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn any_life_of_a_namespace_is_the_models_life(steps in vec(step(), 0..120)) {
        let (mut model, local) = (Model::default(), Local::new());
        for step in steps {
            take(step, &mut model, &local);
        }
        compare(&model, &local);

        // And when the last has left, nothing stays.
        for key in &model.keys {
            local.remove(*key);
        }
        prop_assert!(local.is_empty());
        prop_assert_eq!(local.room_count(), 0);
        prop_assert_eq!(local.count(&Audience::everyone()), 0);
    }

    #[test]
    fn keys_are_never_given_twice(removed in vec(any::<bool>(), 0..200)) {
        let local = Local::new();
        let mut seen = HashMap::new();
        for (i, remove) in removed.into_iter().enumerate() {
            let key = local.add(&i.to_string(), i);
            prop_assert!(seen.insert(key, i).is_none());
            if remove {
                local.remove(key);
            }
        }
    }
}
