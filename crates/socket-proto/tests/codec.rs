//! What one side encodes is what the other side decodes.

mod support;

use proptest::prelude::*;
use sockeye_socket_proto::{encode, event};
use support::node::{Node, node};
use support::{carry, cases};

fn namespace() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("/".to_owned()),
        "/[a-z0-9/?=_-]{1,20}",
        any::<String>()
            .prop_map(|name| format!("/{}", name.replace(',', "")))
            .prop_filter("not overlong", |name| name.len() <= 512),
    ]
}

fn ack_id() -> impl Strategy<Value = Option<u64>> {
    prop::option::of(0..1_u64 << 53)
}

/// How many attachments our default limits let through.
fn few(nodes: &[&Node]) -> bool {
    fn count(node: &Node) -> usize {
        match node {
            Node::Bytes(_) => 1,
            Node::List(list) => list.iter().map(count).sum(),
            Node::Map(map) => map.values().map(count).sum(),
            _ => 0,
        }
    }
    nodes.iter().map(|node| count(node)).sum::<usize>() <= 10
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn events_arrive_as_they_were_sent(
        namespace in namespace(), name in any::<String>(), one in node(), two in node(),
        ack in ack_id(), room in 0..20_usize,
    ) {
        prop_assume!(!event::is_reserved(&name) && few(&[&one, &two]));
        let packet = encode::event(&namespace, &name, &(&one, &two), ack, room).unwrap();
        prop_assert!(packet.start >= room);
        let (got, args, id) = carry(&packet, &namespace);
        prop_assert_eq!((&got, id), (&name, ack));
        prop_assert_eq!(args.as_args().len(), 2);
        prop_assert!(args.as_args().validate().is_ok());
        prop_assert_eq!(args.as_args().parse::<(Node, Node)>().unwrap(), (one.clone(), two));
        prop_assert_eq!(args.as_args().parse::<Node>().unwrap(), one);
    }

    #[test]
    fn acks_arrive_as_they_were_sent(
        namespace in namespace(), id in 0..1_u64 << 53, answer in node(),
    ) {
        prop_assume!(few(&[&answer]));
        let packet = encode::ack(&namespace, id, &answer, 0).unwrap();
        let (_, args, got) = carry(&packet, &namespace);
        prop_assert_eq!(got, Some(id));
        prop_assert_eq!(args.as_args().parse::<Node>().unwrap(), answer);
    }

    #[test]
    fn what_is_passed_on_raw_is_not_changed(
        namespace in namespace(), name in any::<String>(), one in node(), ack in ack_id(),
    ) {
        prop_assume!(!event::is_reserved(&name) && few(&[&one]));
        let packet = encode::event(&namespace, &name, &one, ack, 0).unwrap();
        let (got, args, id) = carry(&packet, &namespace);
        let again = encode::event_raw(&namespace, &got, args.as_args(), id, 7);
        prop_assert_eq!(again.text(), packet.text());
        prop_assert_eq!(again.attachments, packet.attachments);
        prop_assert!(again.start >= 7);
    }
}
