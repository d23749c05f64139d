//! Whatever comes to timers, wherever the disk comes in and whoever reads it all anew: the index on disk says what the model says.

use proptest::prelude::*;

use super::*;
use crate::log::kafka::timers::index::{Index, Stores};

#[derive(Debug, Clone)]
enum Step {
    /// A change of one of a few timers. `carried` says which of all that it ever carried the change is on condition of.
    Put {
        id: u64,
        due: u64,
        large: bool,
    },
    Replace {
        id: u64,
        carried: usize,
        due: u64,
        is_move: bool,
    },
    Delete {
        id: u64,
    },
    End {
        id: u64,
        carried: usize,
    },
    /// What was overruled is settled; or some of it, and a change came before that.
    Settle {
        late: bool,
    },
    /// What is in memory goes to the disk.
    Flush,
    /// Another owner reads what compaction has left: of each timer no more than the last of the records before `upto`.
    Reopen {
        upto: usize,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (id, due, carried) = (0..4_u64, 0..6_u64, 0..8_usize);
    let step = prop_oneof![
        4 => (id.clone(), due.clone(), any::<bool>()).prop_map(|(id, due, large)| Step::Put { id, due, large }),
        4 => (id.clone(), carried.clone(), due, any::<bool>())
            .prop_map(|(id, carried, due, is_move)| Step::Replace { id, carried, due, is_move }),
        1 => id.clone().prop_map(|id| Step::Delete { id }),
        3 => (id, carried).prop_map(|(id, carried)| Step::End { id, carried }),
        2 => any::<bool>().prop_map(|late| Step::Settle { late }),
        1 => Just(Step::Flush),
        2 => (0..60_usize).prop_map(|upto| Step::Reopen { upto }),
    ];
    prop::collection::vec(step, 1..60)
}

/// The log, and two who tail it.
struct Tailed<'a> {
    stores: &'a Stores,
    log: Vec<Record>,
    rows: Rows<Index>,
    model: Model,
    /// What timers carried, ever.
    carried: Vec<TimerRow>,
    late: Vec<NewRecord>,
}

impl Tailed<'_> {
    fn append(&mut self, new: NewRecord) {
        let offset = self.log.last().map_or(Offset(0), |last| last.offset.next());
        let record = Record { offset, ..log([new]).remove(0) };
        self.rows.apply(&record, false).unwrap();
        self.model.apply(&record, false);
        self.log.push(record);
    }

    fn new_row(&mut self, id: u64, due: u64, large: bool) -> TimerRow {
        let id = TimerId { offset: Offset(id), attempt: 0 };
        // Those that are large are kept apart from their keys.
        let payload = format!("{} {}", self.carried.len(), "x".repeat(if large { 2_000 } else { 0 }));
        let row = TimerRow { id, due: Timestamp::from_millis(due), payload: payload.into() };
        self.carried.push(row.clone());
        row
    }

    fn was(&self, id: u64, carried: usize) -> Option<TimerRow> {
        let of_it: Vec<_> = self.carried.iter().filter(|row| row.id.offset == Offset(id)).collect();
        (!of_it.is_empty()).then(|| of_it[carried % of_it.len()].clone())
    }

    fn change(&self, step: &Step) -> Option<TimerChange> {
        Some(match *step {
            Step::Replace { id, carried, due, .. } => {
                let was = self.was(id, carried)?;
                let due = Timestamp::from_millis(due);
                TimerChange::Replace(was.mark(), TimerRow { due, ..was })
            }
            Step::Delete { id } => TimerChange::Delete(TimerId { offset: Offset(id), attempt: 0 }),
            Step::End { id, carried } => TimerChange::End(self.was(id, carried)?.version()),
            Step::Put { .. } | Step::Settle { .. } | Step::Flush | Step::Reopen { .. } => return None,
        })
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Put { id, due, large } => {
                let row = self.new_row(id, due, large);
                self.append(record_of(&at(), TimerChange::Put(row)));
            }
            Step::Replace { id, carried, due, is_move: false } => {
                let Some(was) = self.was(id, carried) else { return };
                let row = self.new_row(id, due, false);
                self.append(record_of(&at(), TimerChange::Replace(was.mark(), row)));
            }
            Step::Replace { .. } | Step::Delete { .. } | Step::End { .. } => {
                let change = self.change(step);
                change.into_iter().for_each(|change| self.append(record_of(&at(), change)));
            }
            Step::Settle { late } => {
                let settling = all_settling(&self.rows).into_iter().map(|one| one.record(&at()));
                self.late.extend(settling);
                if !late {
                    std::mem::take(&mut self.late).into_iter().for_each(|record| self.append(record));
                }
            }
            Step::Flush => self.rows.cells.flush(),
            Step::Reopen { upto } => self.reopen(upto),
        }
    }

    fn reopen(&mut self, upto: usize) {
        let upto = upto.min(self.log.len());
        let is_last = |(n, record): &(usize, &Record)| {
            *n >= upto || !self.log[n + 1..upto].iter().any(|later| later.key == record.key)
        };
        self.log = self.log.iter().enumerate().filter(is_last).map(|(_, record)| record.clone()).collect();
        self.rows = Rows::new(self.stores.index().unwrap());
        self.model = Model::default();
        for record in &self.log {
            self.rows.apply(record, true).unwrap();
            self.model.apply(record, true);
        }
    }

    /// All of it, and by pages of any size.
    fn judge(&self) {
        judge(&self.rows, &self.model);
        for (limit, bytes) in [(1, usize::MAX), (2, 2_500), (9, 0)] {
            let mut query = TimerQuery { bytes, ..TimerQuery::first(limit) };
            loop {
                let page = self.rows.list(query).unwrap();
                assert_eq!(page, self.model.list(query));
                let Some(last) = page.last() else { break };
                assert!(query.after < Some((last.due, last.id)), "in order");
                query.after = Some((last.due, last.id));
            }
        }
        let early = TimerQuery { until: Timestamp::from_millis(3), ..TimerQuery::first(9) };
        assert_eq!(self.rows.list(early).unwrap(), self.model.list(early));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn an_index_on_disk_says_what_the_model_says(steps in steps()) {
        let below = tempfile::tempdir().unwrap();
        let stores = Stores::new(Some(below.path().to_owned())).unwrap();
        let (rows, model) = (Rows::new(stores.index().unwrap()), Model::default());
        let (log, carried, late) = Default::default();
        let mut tailed = Tailed { stores: &stores, log, rows, model, carried, late };
        for step in &steps {
            tailed.take(step);
            tailed.judge();
        }
    }
}
