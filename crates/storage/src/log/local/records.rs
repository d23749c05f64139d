//! The records of one partition that a member of this process owns.

use std::convert::Infallible;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::oneshot::error::TryRecvError;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use super::engine::Engine;
use crate::log::record::fit;
use crate::log::{ErrorKind, LogError, Offset, Place, Record, Records, Room};

pub(super) struct LocalRecords {
    engine: Arc<Engine>,
    place: Place,
    position: Offset,
    /// Counts the appends to this partition.
    appends: watch::Receiver<u64>,
    /// Closed once the partition is no longer ours.
    ours: oneshot::Receiver<Infallible>,
    /// A read of the store. Who asked for it may have been called away; whoever asks next waits for the same.
    reading: Option<JoinHandle<Result<Vec<Record>, LogError>>>,
}

impl LocalRecords {
    pub(super) fn new(
        engine: Arc<Engine>,
        place: Place,
        position: Offset,
        ours: oneshot::Receiver<Infallible>,
    ) -> Self {
        let appends = engine.view.lock().tails.entry(place.clone()).or_default().appends();
        Self { engine, place, position, appends, ours, reading: None }
    }

    async fn read(&mut self, most: usize, room: Room<'_>) -> Result<Vec<Record>, LogError> {
        while !matches!(self.ours.try_recv(), Err(TryRecvError::Closed)) {
            self.appends.borrow_and_update();
            let end = self.end();
            if self.position < end {
                let bytes = room();
                if bytes == 0 {
                    return Ok(Vec::new());
                }
                let records = self.records(most, bytes).await?;
                if let Some(last) = records.last() {
                    self.position = last.offset.next();
                    return Ok(records);
                }
                // What was there has been trimmed away meanwhile: no room is needed for it.
                return Ok(Vec::new());
            }
            tokio::select! {
                _ = &mut self.ours => {}
                Ok(()) = self.appends.changed() => {}
            }
        }
        Err(LogError::new(ErrorKind::NotOwner, "the partition was given away"))
    }

    /// Where the partition ends. What was trimmed away is passed over.
    fn end(&mut self) -> Offset {
        let view = self.engine.view.lock();
        let Some(span) = view.span(&self.place) else { return Offset(0) };
        self.position = self.position.max(span.start);
        span.end
    }

    async fn records(&mut self, most: usize, bytes: usize) -> Result<Vec<Record>, LogError> {
        if self.reading.is_none()
            && let Some(mut records) = self.engine.newest(&self.place, self.position, most)
        {
            fit(&mut records, most, bytes);
            return Ok(records);
        }
        let reading = self.reading.get_or_insert_with(|| {
            let (engine, place, position) = (Arc::clone(&self.engine), self.place.clone(), self.position);
            tokio::task::spawn_blocking(move || engine.read(&place, position, most, bytes))
        });
        let read = reading.await;
        self.reading = None;
        let mut records = read.unwrap_or_else(|e| Err(LogError::new(ErrorKind::Fatal, e.to_string())))?;
        // It may have been asked for when more was wanted; the rest is read again.
        fit(&mut records, most, bytes);
        Ok(records)
    }
}

impl Records for LocalRecords {
    fn next<'a>(&'a mut self, most: usize, room: Room<'a>) -> BoxFuture<'a, Result<Vec<Record>, LogError>> {
        self.read(most.max(1), room).boxed()
    }
}
