//! Says when the node cannot be reached: a run waits for it, however long it takes, and whoever started the run wants to know.

use std::rc::Rc;
use std::time::Duration;

use indicatif::ProgressBar;
use tokio::time::sleep;

use super::{RunError, Stage};
use crate::device::NodeWatch;

/// A node that is started again is back before that.
const PATIENCE: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(500);

/// What there is to say.
#[derive(Debug, PartialEq, Eq)]
enum News {
    Away(String),
    Back,
}

/// Whether an absence was told.
#[derive(Default)]
struct Absence {
    told: bool,
}

impl Absence {
    /// `away`: for how long the node has been, and why, if it is.
    fn look(&mut self, away: Option<(Duration, String)>) -> Option<News> {
        match away {
            Some((away, why)) if away >= PATIENCE && !self.told => {
                self.told = true;
                Some(News::Away(why))
            }
            None if std::mem::take(&mut self.told) => Some(News::Back),
            _ => None,
        }
    }
}

/// Tells of each absence that is longer than a restart, once, and of its end.
pub(super) async fn tell(watch: Rc<NodeWatch>, node: String, progress: ProgressBar) {
    let mut absence = Absence::default();
    loop {
        sleep(LOOK).await;
        match absence.look(watch.absence()) {
            Some(News::Away(why)) => {
                progress.suspend(|| tracing::warn!(%why, "no node answers at {node}; waiting for it"));
            }
            Some(News::Back) => progress.suspend(|| tracing::warn!("the node at {node} answers again")),
            None => {}
        }
    }
}

impl Stage {
    /// Ends if no node was met within this time, and says so; never otherwise.
    pub(crate) async fn unmet(&self, within: Duration) -> RunError {
        sleep(within).await;
        if self.watch.was_met() {
            return std::future::pending().await;
        }
        let why = self.watch.absence().map_or_else(|| "nothing has come yet".to_owned(), |(_, why)| why);
        RunError::Unmet { node: self.options.node.clone(), within, why }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absence_is_told_once_and_its_end_too() {
        let mut absence = Absence::default();
        let mut look = |away: Option<u64>| {
            absence.look(away.map(|seconds| (Duration::from_secs(seconds), "refused".to_owned())))
        };
        let away = Some(News::Away("refused".to_owned()));
        let told = [None, Some(1), None, Some(1), Some(2), Some(3), None, None, Some(5)].map(&mut look);
        assert_eq!(
            told,
            [
                None,
                None,
                None,
                None,
                away,
                None,
                Some(News::Back),
                None,
                Some(News::Away("refused".to_owned()))
            ]
        );
    }
}
