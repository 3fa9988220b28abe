//! What goes wrong on purpose.

use std::time::Duration;

use log::store::Table;
use rand::RngExt;
use rand::seq::IndexedRandom;

use crate::connection::{Living, Order};
use crate::life::{Life, Next, Now};
use crate::plan::{AWAY, Fault};
use crate::wire::Wire;

/// Lets it happen. Some if the process ends with it.
pub(crate) async fn happen(life: &mut Life, now: &Now, fault: Fault) -> Option<Next> {
    match fault {
        Fault::Kill => return Some(end(life, false)),
        Fault::PowerLoss => return Some(end(life, true)),
        Fault::LogClock | Fault::ServerClock => time_leaps(life, fault).await,
        Fault::FailedAppend | Fault::FailedSync | Fault::FullStore | Fault::Damage => {
            store(life, fault);
        }
        Fault::Leave | Fault::Kick => part(life, now, fault),
        _ => connection(life, now, fault),
    }
    None
}

fn end(life: &mut Life, power: bool) -> Next {
    life.record.lock().fault(if power { Fault::PowerLoss } else { Fault::Kill }, None);
    Next::Another { power }
}

/// Something happens to the connection of a page.
fn connection(life: &mut Life, now: &Now, fault: Fault) {
    let page = life.random.random_range(0..life.plan.pages());
    let delay = *[0, 5, 50, 1_000].choose(&mut life.random).expect("a delay");
    let reads = life.random.random();
    let one = life.random.random_ratio(1, 2).then(|| life.random.random());
    let mut record = life.record.lock();
    record.fault(fault, Some(page));
    // Whoever does not read answers no ping, and may be away for too long.
    record.pages[page].may_lose |= fault == Fault::SlowReader;
    drop(record);
    let living = &now.pages[page];
    match fault {
        Fault::Cut => on_wires(living, one, Wire::cut),
        Fault::Silence => on_wires(living, one, Wire::fall_silent),
        Fault::Delay => on_wires(living, one, |wire| wire.slow_down(delay)),
        Fault::Takeover => living.order(Order::Jump),
        Fault::SlowReader => living.order(Order::Read(reads)),
        _ => living.order(Order::Reload),
    }
}

/// To all wires of a page, or to one of them.
fn on_wires(living: &Living, one: Option<u64>, act: impl Fn(&Wire)) {
    let wires = living.wires.lock();
    let number = wires.len() as u64;
    let meant = |index: u64| one.is_none_or(|one| one % number == index);
    (0..).zip(&*wires).filter(|(index, _)| meant(*index)).for_each(|(_, wire)| act(wire));
}

/// A page says goodbye, or the server does.
fn part(life: &mut Life, now: &Now, fault: Fault) {
    let page = life.random.random_range(0..life.plan.pages());
    let away = life.random.random_ratio(1, 2);
    let mut record = life.record.lock();
    record.fault(fault, Some(page));
    record.pages[page].may_lose = true;
    let member = record.pages[page].member;
    let id = member.map(|member| record.members[member].id.clone());
    drop(record);
    match (fault, id) {
        (Fault::Kick, Some(id)) => now.server.kick(&id, away),
        (Fault::Leave, _) if away => now.pages[page].order(Order::Leave),
        _ => now.pages[page].order(Order::Come),
    }
}

fn store(life: &mut Life, fault: Fault) {
    let times = life.random.random_range(1..4);
    let space = life.random.random_range(0..20_000);
    let table = *Table::ALL.choose(&mut life.random).expect("a table");
    life.record.lock().fault(fault, None);
    match fault {
        Fault::FailedAppend => life.disk.fail_appends(times),
        Fault::FailedSync => life.disk.fail_syncs(times),
        Fault::FullStore => life.disk.fill_up_after((times > 1).then_some(space)),
        _ if times > 2 => {
            life.record.note(None, "the store does not open the next time");
            life.disk.refuse_to_open("nothing of it can be read");
        }
        _ => damage(life, table),
    }
}

fn damage(life: &Life, table: Table) {
    // Ids are random, keys are hashed: which of them it were would not be the same again.
    let all = !matches!(table, Table::Events | Table::Meta);
    let damaged = if all { life.disk.damage_values(table) } else { life.disk.damage_value(table) };
    let what = if all { "everything" } else { "a value" };
    life.record.note(None, format!("{what} of {table:?} is damaged: {damaged}"));
}

async fn time_leaps(life: &mut Life, fault: Fault) {
    life.record.lock().fault(fault, None);
    if fault == Fault::LogClock {
        let hours = life.random.random_range(0..3);
        life.clock.advance(Duration::from_hours(hours));
    } else {
        let most = AWAY.as_secs() * 2;
        let seconds = life.random.random_range(1..most);
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }
}
