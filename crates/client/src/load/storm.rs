//! Storms: all connections are cut at once, every few seconds, and all devices come back as fast as they can.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use tokio::task::{JoinHandle, spawn_local};
use tokio::time::sleep;

use super::Findings;
use crate::device::Device;
use crate::stage::{Player, Stage};

/// Storms that go on while people write.
pub(super) struct Storms {
    stage: Rc<Stage>,
    count: Rc<Cell<u64>>,
    weather: JoinHandle<()>,
}

impl Storms {
    pub(super) fn begin(stage: &Rc<Stage>, players: &[Player], every: Duration) -> Self {
        let devices: Vec<Rc<Device>> = players.iter().flat_map(|player| player.devices.clone()).collect();
        let count = Rc::new(Cell::new(0));
        let (told, counted) = (Rc::clone(stage), Rc::clone(&count));
        let weather = spawn_local(async move {
            loop {
                sleep(every).await;
                told.tally.cut_at.set(Some(told.watch.now()));
                devices.iter().for_each(|device| device.cut());
                counted.set(counted.get() + 1);
            }
        });
        Self { stage: Rc::clone(stage), count, weather }
    }

    /// Ends them.
    pub(super) fn end(&self) {
        self.weather.abort();
    }

    pub(super) fn findings(&self) -> Findings {
        Findings::Storm { storms: self.count.get(), reopening_ms: self.stage.tally.reopening.latency() }
    }
}
