//! Pages of the past, and what fits on one.

mod support;

use sockeye_chat::PastPage;
use support::said;

/// The ids of the messages of a page, as numbers.
fn numbers(page: &PastPage) -> Vec<u64> {
    let id = |json: &str| {
        let message: serde_json::Value = serde_json::from_str(json).unwrap();
        let id = message["id"].as_str().unwrap().rsplit('-').next().unwrap().to_owned();
        u64::from_str_radix(&id, 16).unwrap()
    };
    page.messages.iter().map(|past| id(past.message.get())).collect()
}

#[test]
fn a_page_has_the_newest_messages_oldest_first() {
    let page = PastPage::newest((1..=60).map(|n| said(n, "Ada", "hello")).collect());
    assert_eq!(numbers(&page), (11..=60).collect::<Vec<_>>());
    assert!(page.more);
}

#[test]
fn where_all_fit_there_is_no_more() {
    let page = PastPage::newest((1..=50).map(|n| said(n, "Ada", "hello")).collect());
    assert_eq!((page.messages.len(), page.more), (50, false));
    let page = PastPage::newest(Vec::new());
    assert_eq!((page.messages.len(), page.more), (0, false));
}

#[test]
fn long_messages_make_a_short_page_as_long_as_they_are_on_the_wire() {
    for longest in ["x", "\"", "\\", "é", "😀", "a\n"] {
        let long: String = longest.chars().cycle().take(4000).collect();
        let page = PastPage::newest((1..=50).map(|n| said(n, &"😀".repeat(40), &long)).collect());
        let sent = serde_json::to_vec(&page.messages).unwrap().len();
        let each = sent / page.messages.len();
        assert!(sent <= PastPage::BYTES + 1, "{longest:?}: {sent} bytes");
        assert!(sent + each > PastPage::BYTES, "{longest:?}: there was place for one more");
        assert!(page.more);
        assert_eq!(numbers(&page).last(), Some(&50));
    }
}

#[test]
fn a_message_that_is_longer_than_a_page_still_is_one() {
    let page = PastPage::newest(vec![said(1, "Ada", "hello"), said(2, "Ada", &"x".repeat(50_000))]);
    assert_eq!((numbers(&page), page.more), (vec![2], true));
}
