//! What is read at once is bounded.

use super::*;

fn numbered(offset: u64, due: u64, bytes: usize) -> TimerRow {
    let id = TimerId { offset: Offset(offset), attempt: 0 };
    TimerRow { id, due: Timestamp::from_millis(due), payload: vec![b'x'; bytes].into() }
}

#[test]
fn what_is_to_be_settled_comes_in_pages_of_so_many_and_of_so_many_bytes_each_timer_once() {
    let changes = (0..20).flat_map(|n| {
        let put = numbered(n, 5, 100);
        // Late for what was never there.
        [TimerChange::Put(put), TimerChange::End(numbered(n, 5, 7).version())]
    });
    let rows = read(&log(records_of(changes.collect())), false);
    let ids = |limit, bytes| {
        let (mut after, mut pages) = (None, Vec::new());
        loop {
            let page = rows.settling(after, limit, bytes).unwrap();
            let Some(last) = page.last() else { return pages };
            after = Some(last.id);
            pages.push(page.into_iter().map(|one| one.id.offset.0).collect::<Vec<_>>());
        }
    };
    assert_eq!(ids(8, usize::MAX).iter().map(Vec::len).collect::<Vec<_>>(), [8, 8, 4]);
    assert_eq!(ids(99, 350).iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 3, 3, 3, 3, 2]);
    assert_eq!(ids(99, 0).concat(), (0..20).collect::<Vec<_>>(), "one at least");
}

#[test]
fn a_page_ends_before_what_would_make_it_too_large_and_has_one_at_least() {
    let puts = (0..9).map(|n| TimerChange::Put(numbered(n, 9 - n, 100)));
    let rows = read(&log(records_of(puts.collect())), false);
    let lengths = |limit, bytes| rows.list(TimerQuery { bytes, ..TimerQuery::first(limit) }).unwrap().len();
    assert_eq!([lengths(4, 1_000), lengths(9, 299), lengths(9, 300), lengths(9, 1)], [4, 2, 3, 1]);
    assert_eq!(lengths(0, 1_000), 0);
}
