//! What happens in a life when nothing is wrong: somebody publishes, joins, leaves, says something.

use rand::RngExt;
use rand::seq::IndexedRandom;

use crate::connection::Order;
use crate::faults;
use crate::life::{Life, Next, Now};
use crate::publish::What;
use crate::said::{Address, Kind};
use crate::server::room;

/// One step, and the time until the next. Some if the process ends with it.
pub(crate) async fn step(life: &mut Life, now: &Now) -> Option<Next> {
    let wrong = life.random.random_ratio(life.plan.fault_rate, 100);
    let fault = life.plan.faults.choose(&mut life.random).copied().filter(|_| wrong);
    match fault {
        Some(fault) => {
            if let Some(next) = faults::happen(life, now, fault).await {
                return Some(next);
            }
        }
        None => act(life, now),
    }
    let pause = pause(life);
    if pause > 0 {
        life.pass(now, pause).await;
    }
    None
}

fn act(life: &mut Life, now: &Now) {
    match life.random.random_range(0..100) {
        0..50 => publish(life, now),
        50..60 => ask_to_publish(life, now),
        // Whoever has left comes back some time.
        60..64 => now.pages[life.random.random_range(0..life.plan.pages())].order(Order::Come),
        64..68 => now.pages[life.random.random_range(0..life.plan.pages())].order(Order::Answer),
        68..80 => ask_to_change_rooms(life, now),
        _ => change_rooms(life, now),
    }
}

/// Often none: then two things happen in the same moment. Now and then long enough for the log to sync by itself.
fn pause(life: &mut Life) -> u64 {
    match life.random.random_range(0..100) {
        0..40 => 0,
        40..80 => life.random.random_range(1..20),
        80..97 => life.random.random_range(20..500),
        _ => life.random.random_range(500..6_000),
    }
}

fn publish(life: &mut Life, now: &Now) {
    let address = address(life);
    let class = *life.plan.classes.choose(&mut life.random).expect("a class");
    let padding = life.random.random_range(0..=life.plan.padding);
    let kinds =
        [Kind::Event, Kind::Event, Kind::Event, Kind::Event, Kind::Volatile, Kind::Question];
    let kind = *kinds.choose(&mut life.random).expect("a kind");
    let key =
        life.random.random_ratio(1, 5).then(|| format!("key{}", life.random.random_range(0..20)));
    let key = key.filter(|_| kind == Kind::Event);
    now.server.publish(&What { kind, class, address, key, padding });
}

/// A page publishes something, and says so until it has been answered.
fn ask_to_publish(life: &mut Life, now: &Now) {
    let page = life.random.random_range(0..life.plan.pages());
    let room = room(life.random.random_range(0..life.plan.rooms));
    let key = life.step;
    now.pages[page].order(Order::Insist(key, format!("[\"say\",\"said{key}\",\"{room}\"]")));
}

fn address(life: &mut Life) -> Address {
    let to = rooms(life, 2);
    let except = if life.random.random_ratio(1, 10) { rooms(life, 1) } else { Vec::new() };
    Address { to, except }
}

fn rooms(life: &mut Life, most: usize) -> Vec<String> {
    let number = life.random.random_range(0..=most);
    (0..number).map(|_| room(life.random.random_range(0..life.plan.rooms))).collect()
}

/// A page asks for it.
fn ask_to_change_rooms(life: &mut Life, now: &Now) {
    let page = life.random.random_range(0..life.plan.pages());
    let room = room(life.random.random_range(0..life.plan.rooms));
    let what = if life.random.random_ratio(3, 5) { "enter" } else { "exit" };
    now.pages[page].order(Order::Say(format!("42[\"{what}\",\"{room}\"]")));
}

/// The server does it.
fn change_rooms(life: &mut Life, now: &Now) {
    let page = life.random.random_range(0..life.plan.pages());
    let room = room(life.random.random_range(0..life.plan.rooms));
    let joins = life.random.random_ratio(3, 5);
    let member = life.record.lock().pages[page].member;
    let id = member.map(|member| life.record.lock().members[member].id.clone());
    if let Some(id) = id {
        now.server.change_one(&id, &room, joins);
    }
}
