//! The outbox against a model: lists that are looked through from the start.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use socket_proto::{Args, Encoded, encode};
use tokio::sync::oneshot::{self, error::TryRecvError};
use tokio::time::Instant;

use super::{EmitError, Event, LaneId, Limits, Manner, Outbox, Overflow, Ticket};
use crate::DisconnectReason;
use crate::ack::{Outcome, Silence};
use crate::retry::Retries;

const LOST: DisconnectReason = DisconnectReason::TransportClose;

fn limits(overflow: Overflow) -> Limits {
    Limits { bytes: 2000, overflow, questions: 5 }
}

fn empty(overflow: Overflow) -> Outbox {
    Outbox::new(limits(overflow), None)
}

fn add(outbox: &mut Outbox) -> LaneId {
    outbox.add("/", &Arc::default()).0
}

/// An event whose packet is `number`, with so much behind it that it costs `cost`.
fn packet(number: u64) -> Encoded {
    encode::event("/", "e", &number, None, 0).expect("an event")
}

fn number_of(packet: &Encoded) -> u64 {
    let sent = socket_proto::event::read(packet.text()).expect("an event");
    sent.json.parse().expect("a number")
}

fn event(outbox: &Outbox, lane: LaneId, number: u64) -> Event {
    let packet = packet(number);
    let cost = outbox.room(lane).cost(&packet);
    Event { packet, cost, manner: Manner::Once, id: None, waiter: None }
}

fn asking(outbox: &Outbox, lane: LaneId, id: u64) -> (Event, oneshot::Receiver<Outcome>) {
    let (waiter, answer) = oneshot::channel();
    (Event { id: Some(id), waiter: Some(waiter), ..event(outbox, lane, id) }, answer)
}

fn all(outbox: &mut Outbox) -> Vec<u64> {
    let now = Instant::now();
    std::iter::from_fn(|| outbox.pull(true, now)).map(|packet| number_of(&packet)).collect()
}

#[test]
fn what_waits_for_one_socket_holds_up_no_other() {
    let mut outbox = empty(Overflow::Refuse);
    let (away, here) = (add(&mut outbox), add(&mut outbox));
    outbox.join(here);
    let mut refused = 0;
    for number in 0..100 {
        let event = event(&outbox, away, number);
        refused += u32::from(outbox.offer(away, "/", event).is_err());
    }
    assert!(refused > 0);
    let one = event(&outbox, here, 1000);
    outbox.offer(here, "/", one).expect("there is room for this one");
    assert_eq!(all(&mut outbox), [1000]);
}

#[test]
fn events_leave_in_the_order_of_the_emits_over_namespaces_too() {
    let mut outbox = empty(Overflow::Refuse);
    let lanes = [add(&mut outbox), add(&mut outbox), add(&mut outbox)];
    for number in 0..9 {
        let lane = lanes[usize::try_from(number * 5 % 3).unwrap()];
        let event = event(&outbox, lane, number);
        outbox.offer(lane, "/", event).unwrap();
    }
    for lane in lanes {
        outbox.join(lane);
    }
    assert_eq!(all(&mut outbox), (0..9).collect::<Vec<_>>());
}

#[test]
fn a_packet_that_is_larger_than_all_room_fits_when_nothing_else_waits() {
    let mut outbox = empty(Overflow::Refuse);
    let lane = add(&mut outbox);
    let large = |outbox: &Outbox| {
        let packet = encode::event("/", "e", &"x".repeat(100_000), None, 0).unwrap();
        Event { cost: outbox.room(lane).cost(&packet), packet, ..event(outbox, lane, 0) }
    };
    let first = large(&outbox);
    outbox.offer(lane, "/", first).expect("nothing else waits");
    let second = large(&outbox);
    assert!(matches!(outbox.offer(lane, "/", second), Err((EmitError::Full, _))));
}

#[test]
fn a_question_that_waits_survives_the_connection_and_one_that_was_sent_does_not() {
    let mut outbox = empty(Overflow::Refuse);
    let lane = add(&mut outbox);
    outbox.join(lane);
    let (first, mut sent) = asking(&outbox, lane, 1);
    outbox.offer(lane, "/", first).unwrap();
    assert_eq!(all(&mut outbox), [1]);
    let (second, mut waits) = asking(&outbox, lane, 2);
    outbox.offer(lane, "/", second).unwrap();

    outbox.part(lane, LOST);
    assert!(matches!(sent.try_recv(), Ok(Err(Silence::Disconnected(LOST)))));
    assert_eq!(waits.try_recv().unwrap_err(), TryRecvError::Empty);
    outbox.join(lane);
    assert_eq!(all(&mut outbox), [2]);
    outbox.answered(lane, 2, Args { json: "7", attachments: &[] }.to_owned());
    assert!(matches!(waits.try_recv(), Ok(Ok(args)) if args.as_args().json == "7"));
}

#[test]
fn late_doubled_and_invented_answers_find_nobody() {
    let mut outbox = empty(Overflow::Refuse);
    let lane = add(&mut outbox);
    outbox.join(lane);
    let args = || Args { json: "1", attachments: &[] }.to_owned();
    outbox.answered(lane, 77, args());
    let (question, mut answer) = asking(&outbox, lane, 1);
    outbox.offer(lane, "/", question).unwrap();
    outbox.answered(lane, 1, args());
    assert_eq!(answer.try_recv().unwrap_err(), TryRecvError::Empty, "it has not been asked yet");
    all(&mut outbox);
    outbox.answered(lane, 1, args());
    outbox.answered(lane, 1, args());
    assert!(matches!(answer.try_recv(), Ok(Ok(_))));
}

#[test]
fn a_question_that_times_out_before_it_is_sent_is_taken_back() {
    let mut outbox = empty(Overflow::Refuse);
    let lane = add(&mut outbox);
    for id in 1..=4 {
        let (question, answer) = asking(&outbox, lane, id);
        let (Ticket { number, .. }, _) = outbox.offer(lane, "/", question).unwrap();
        drop(answer);
        if id % 2 == 0 {
            outbox.take_back(lane, Ticket { number, id });
        } else {
            outbox.forget(lane, Ticket { number, id });
        }
    }
    outbox.join(lane);
    assert_eq!(all(&mut outbox), [1, 3], "who only stops waiting has emitted all the same");
    assert_eq!(outbox.lane(lane).questions(), 0);
    assert_eq!(outbox.room(lane).taken(), 0);
}

#[test]
fn nobody_asks_more_than_the_server_may_owe() {
    let mut outbox = Outbox::new(Limits { bytes: 1 << 20, ..limits(Overflow::Refuse) }, None);
    let lane = add(&mut outbox);
    outbox.join(lane);
    let mut answers = Vec::new();
    for id in 0..5 {
        let (question, answer) = asking(&outbox, lane, id);
        outbox.offer(lane, "/", question).unwrap();
        answers.push(answer);
        if id == 2 {
            all(&mut outbox);
        }
    }
    let (question, _answer) = asking(&outbox, lane, 5);
    let refused = outbox.offer(lane, "/", question);
    assert!(matches!(refused, Err((EmitError::TooManyQuestions { limit: 5 }, _))));
}

#[test]
fn the_oldest_make_room_where_that_is_wanted_and_reliable_ones_do_not() {
    let mut outbox = empty(Overflow::DropOldest);
    let lane = add(&mut outbox);
    keep(&mut outbox, lane, 0, &Arc::default());
    let (question, mut answer) = asking(&outbox, lane, 1);
    outbox.offer(lane, "/", question).unwrap();
    for number in 2..100 {
        let event = event(&outbox, lane, number);
        outbox.offer(lane, "/", event).expect("the oldest make room");
    }
    assert!(matches!(answer.try_recv(), Ok(Err(Silence::Dropped))));
    outbox.join(lane);
    let left = all(&mut outbox);
    assert_eq!((left[0], *left.last().unwrap()), (0, 99));
    assert!(left[1..].windows(2).all(|pair| pair[0] + 1 == pair[1]), "{left:?}");
}

#[test]
fn volatile_events_go_at_once_or_not_at_all() {
    let mut outbox = empty(Overflow::Wait);
    let lane = add(&mut outbox);
    let volatile =
        |outbox: &Outbox, number| Event { manner: Manner::Volatile, ..event(outbox, lane, number) };
    let offline = volatile(&outbox, 1);
    assert!(matches!(outbox.offer(lane, "/", offline), Err((EmitError::NotReady, _))));

    outbox.join(lane);
    let slow = volatile(&outbox, 2);
    outbox.offer(lane, "/", slow).unwrap();
    let other = event(&outbox, lane, 3);
    outbox.offer(lane, "/", other).unwrap();
    let sent = outbox.pull(false, Instant::now()).map(|packet| number_of(&packet));
    assert_eq!(sent, Some(3));

    let at_once = volatile(&outbox, 4);
    outbox.offer(lane, "/", at_once).unwrap();
    assert_eq!(all(&mut outbox), [4]);
    let dropped = volatile(&outbox, 5);
    outbox.offer(lane, "/", dropped).unwrap();
    outbox.part(lane, LOST);
    outbox.join(lane);
    assert!(all(&mut outbox).is_empty(), "it is of a connection that is gone");
    assert_eq!(outbox.room(lane).taken(), 0);
}

#[test]
fn what_waits_is_said_before_the_goodbye_and_reliable_events_stay() {
    let mut outbox = empty(Overflow::Wait);
    let lane = add(&mut outbox);
    outbox.join(lane);
    keep(&mut outbox, lane, 1, &Arc::default());
    let last = event(&outbox, lane, 2);
    outbox.offer(lane, "/", last).unwrap();
    let (question, mut answer) = asking(&outbox, lane, 3);
    outbox.offer(lane, "/", question).unwrap();

    outbox.leave(lane, DisconnectReason::ClientDisconnect);
    let later = event(&outbox, lane, 5);
    outbox.offer(lane, "/", later).unwrap();
    let last: Vec<_> = outbox.take_last_words(lane).iter().map(number_of).collect();
    assert_eq!(last, [2, 3]);
    assert!(all(&mut outbox).is_empty());
    let why = DisconnectReason::ClientDisconnect;
    assert!(matches!(answer.try_recv(), Ok(Err(Silence::Disconnected(reason))) if reason == why));
    outbox.join(lane);
    assert_eq!(all(&mut outbox), [1, 5]);
}

#[test]
fn a_server_that_asks_and_does_not_listen_is_not_read_any_further() {
    let mut outbox = empty(Overflow::Wait);
    let lane = add(&mut outbox);
    outbox.join(lane);
    for id in 0..10 {
        assert!(!outbox.is_crowded());
        outbox.answer(lane, encode::ack("/", id, &"x".repeat(300), 0).unwrap());
        if outbox.is_crowded() {
            break;
        }
    }
    assert!(outbox.is_crowded());
    assert!(outbox.pull(true, Instant::now()).is_some());
    outbox.part(lane, LOST);
    assert!(!outbox.is_crowded(), "the answer to CONNECT is to be read");
    outbox.join(lane);
    assert!(outbox.pull(true, Instant::now()).is_some(), "the session goes on");
    outbox.part(lane, LOST);
    outbox.end_session(lane);
    outbox.join(lane);
    assert!(outbox.pull(true, Instant::now()).is_none(), "nobody has asked in this session");
}

#[test]
fn whoever_waits_when_the_client_is_closed_is_told() {
    let mut outbox = empty(Overflow::Wait);
    let lane = add(&mut outbox);
    let (question, mut answer) = asking(&outbox, lane, 1);
    outbox.offer(lane, "/", question).unwrap();
    outbox.end(DisconnectReason::ClientDisconnect);
    assert!(matches!(answer.try_recv(), Ok(Err(Silence::Disconnected(_)))));
    let late = event(&outbox, lane, 2);
    assert!(matches!(outbox.offer(lane, "/", late), Err((EmitError::Closed, _))));
}

fn keep(outbox: &mut Outbox, lane: LaneId, id: u64, retries: &Arc<Retries>) -> Ticket {
    let manner = Manner::Reliable(Arc::clone(retries));
    let event = Event { id: Some(id), manner, ..event(outbox, lane, id) };
    outbox.offer(lane, "/", event).expect("room").0
}

#[derive(Clone, Debug)]
enum Step {
    Emit { lane: usize },
    Keep { lane: usize },
    Join { lane: usize },
    Part { lane: usize },
    Lost,
    Pull,
    Answer { lane: usize, at: usize },
    GiveUp { lane: usize, at: usize },
    Pass { millis: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let lane = 0..3_usize;
    prop_oneof![
        6 => lane.clone().prop_map(|lane| Step::Emit { lane }),
        4 => lane.clone().prop_map(|lane| Step::Keep { lane }),
        2 => lane.clone().prop_map(|lane| Step::Join { lane }),
        1 => lane.clone().prop_map(|lane| Step::Part { lane }),
        1 => Just(Step::Lost),
        8 => Just(Step::Pull),
        3 => (lane.clone(), 0..8_usize).prop_map(|(lane, at)| Step::Answer { lane, at }),
        1 => (lane, 0..8_usize).prop_map(|(lane, at)| Step::GiveUp { lane, at }),
        2 => (0..800_u64).prop_map(|millis| Step::Pass { millis }),
    ]
}

/// One event of the model, in the order of the emits.
#[derive(Debug)]
struct Known {
    lane: usize,
    id: u64,
    /// For reliable ones: attempts that have failed.
    failed: Option<u32>,
    /// When the answer is late, if it was sent.
    sent: Option<Duration>,
}

#[derive(Default)]
struct Model {
    known: Vec<Known>,
    joined: [bool; 3],
}

const TIMEOUT: Duration = Duration::from_millis(500);

impl Model {
    fn part(&mut self, lane: usize) {
        self.joined[lane] = false;
        self.known.iter_mut().filter(|one| one.lane == lane).for_each(|one| one.sent = None);
    }

    fn pull(&mut self, now: Duration) -> Option<u64> {
        let joined = self.joined;
        let at = self.known.iter().position(|one| joined[one.lane] && one.sent.is_none())?;
        let id = self.known[at].id;
        match self.known[at].failed {
            Some(_) => self.known[at].sent = Some(now + TIMEOUT),
            None => drop(self.known.remove(at)),
        }
        Some(id)
    }

    fn pass(&mut self, now: Duration) {
        for one in &mut self.known {
            if one.sent.is_some_and(|due| due <= now) {
                one.sent = None;
                one.failed = one.failed.map(|failed| failed + 1);
            }
        }
        self.known.retain(|one| one.failed.is_none_or(|failed| failed < 3));
    }

    /// A reliable event of a lane.
    fn kept(&self, lane: usize, at: usize) -> Option<u64> {
        let kept: Vec<_> =
            self.known.iter().filter(|one| one.lane == lane && one.failed.is_some()).collect();
        kept.get(at).map(|one| one.id)
    }
}

proptest! {
    #[test]
    fn the_outbox_sends_what_a_list_would_send(steps in prop::collection::vec(step(), 1..300)) {
        let mut outbox = Outbox::new(Limits { bytes: 1 << 20, questions: 1000, ..limits(Overflow::Wait) }, None);
        let lanes = [add(&mut outbox), add(&mut outbox), add(&mut outbox)];
        let (began, mut now, mut model) = (Instant::now(), Duration::ZERO, Model::default());
        let retries = Arc::new(Retries::default().timeout(TIMEOUT).attempts(3));
        let mut tickets = std::collections::HashMap::new();
        for (id, step) in (0_u64..).zip(steps) {
            match step {
                Step::Emit { lane } => {
                    let event = event(&outbox, lanes[lane], id);
                    outbox.offer(lanes[lane], "/", event).expect("room");
                    model.known.push(Known { lane, id, failed: None, sent: None });
                }
                Step::Keep { lane } => {
                    tickets.insert(id, keep(&mut outbox, lanes[lane], id, &retries));
                    model.known.push(Known { lane, id, failed: Some(0), sent: None });
                }
                Step::Join { lane } => {
                    outbox.join(lanes[lane]);
                    model.joined[lane] = true;
                }
                Step::Part { lane } => {
                    outbox.part(lanes[lane], LOST);
                    model.part(lane);
                }
                Step::Lost => {
                    for (at, lane) in lanes.iter().enumerate() {
                        outbox.part(*lane, LOST);
                        model.part(at);
                    }
                }
                Step::Pull => {
                    let sent = outbox.pull(true, began + now).map(|packet| number_of(&packet));
                    prop_assert_eq!(sent, model.pull(now));
                }
                Step::Answer { lane, at } => if let Some(id) = model.kept(lane, at) {
                    outbox.answered(lanes[lane], id, Args::default().to_owned());
                    model.known.retain(|one| one.id != id);
                },
                Step::GiveUp { lane, at } => if let Some(id) = model.kept(lane, at) {
                    outbox.take_back(lanes[lane], tickets[&id]);
                    model.known.retain(|one| one.id != id);
                },
                Step::Pass { millis } => {
                    now += Duration::from_millis(millis);
                    outbox.due(began + now);
                    model.pass(now);
                    let earliest = model.known.iter().filter_map(|one| one.sent).min();
                    prop_assert_eq!(outbox.next_due(), earliest.map(|due| began + due));
                }
            }
        }
        for (at, lane) in lanes.iter().enumerate() {
            let waits = model.known.iter().filter(|one| one.lane == at).count();
            prop_assert_eq!(outbox.room(*lane).taken() == 0, waits == 0, "room is given back");
        }
    }
}
