//! Slow readers: some people's devices read a few bytes a second. The node is to page them from the log, lose nothing, and
//! spare the others.

use std::num::NonZeroU32;
use std::rc::Rc;

use denrei_model::wire::FullSyncReason;

use super::Findings;
use crate::device::Device;
use crate::stage::{Entrance, Player, Stage, Tally, full_syncs};

/// What a node may send ahead to a slow device: less than a page.
const WINDOW: u32 = 4 * 1024;
/// Operations that a node keeps for every account at least.
const LOG: u64 = 10_000;

/// The slow ones.
pub(super) struct SlowReaders {
    people: Vec<usize>,
    pace: NonZeroU32,
    tally: Rc<Tally>,
    /// Streams that they had opened before it began.
    opened: u64,
    /// Operations that had reached them when it ended.
    operations: u64,
}

impl SlowReaders {
    /// So many of a hundred people, spread evenly; at least one.
    pub(super) fn among(
        stage: &Stage,
        people: usize,
        (percent, pace): (u32, NonZeroU32),
    ) -> std::io::Result<Self> {
        Ok(Self {
            people: chosen(people, percent),
            pace,
            tally: stage.tally_apart()?,
            opened: 0,
            operations: 0,
        })
    }

    pub(super) fn people(&self) -> &[usize] {
        &self.people
    }

    /// Makes those who are slow come with a narrow window, and counts them apart.
    pub(super) fn mark(&self, entrances: &mut [Entrance]) {
        for person in &self.people {
            if let Some(entrance) = entrances.get_mut(*person) {
                entrance.target = entrance.target.clone().with_stream_window(WINDOW);
                entrance.tally = Rc::clone(&self.tally);
            }
        }
    }

    fn devices<'a>(&'a self, players: &'a [Player]) -> impl Iterator<Item = &'a Rc<Device>> {
        self.people.iter().filter_map(|person| players.get(*person)).flat_map(|player| &player.devices)
    }

    /// From here on they read slowly.
    pub(super) fn begin(&mut self, players: &[Player]) {
        self.opened = self.devices(players).map(|device| device.opened()).sum();
        self.devices(players).for_each(|device| device.pace(Some(self.pace)));
    }

    /// From here on they read as fast as the others.
    pub(super) fn end(&mut self, players: &[Player]) {
        self.operations = self.tally.operations.get();
        self.devices(players).for_each(|device| device.pace(None));
    }

    pub(super) fn findings(&self, players: &[Player]) -> Findings {
        let opened: u64 = self.devices(players).map(|device| device.opened()).sum();
        Findings::Slow {
            slow_devices: self.devices(players).count(),
            bytes: self.tally.bytes.get(),
            frames: self.tally.frames.get(),
            operations: self.tally.operations.get(),
            operations_while_slow: self.operations,
            largest_frame: self.tally.largest_frame.get(),
            reconnects: opened - self.opened,
            full_syncs: full_syncs([&*self.tally]),
        }
    }

    /// What a slow reader must not meet: snapshots, while the log still has what it lacks.
    pub(super) fn broken(&self, players: &[Player]) -> Option<String> {
        let revision = |device: &Rc<Device>| device.with_state(|state| state.revision().get());
        let covered = self.devices(players).all(|device| revision(device) < LOG);
        let first = FullSyncReason::Initialization.as_str();
        let others: u64 = full_syncs([&*self.tally])
            .iter()
            .filter(|(reason, _)| *reason != first)
            .map(|(_, count)| count)
            .sum();
        (covered && others > 0).then(|| format!("slow readers were made to take snapshots {others} times"))
    }
}

fn chosen(people: usize, percent: u32) -> Vec<usize> {
    let count = (people * percent as usize / 100).clamp(1, people.max(1));
    (0..count).map(|place| place * people / count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_people_are_spread_and_there_is_always_one() {
        assert_eq!(chosen(100, 4), [0, 25, 50, 75]);
        assert_eq!(chosen(5, 10), [0]);
        assert_eq!(chosen(2, 100), [0, 1]);
    }
}
