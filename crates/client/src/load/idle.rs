//! Idle streams: they are held open, and nothing but heartbeats comes.

use std::rc::Rc;
use std::time::Duration;

use tokio::time::sleep;

use super::{Extent, Findings};
use crate::stage::{Span, Stage, seconds};

/// How long streams are held if nothing else is said.
const HELD: Duration = Duration::from_secs(60);

/// Holds all streams for a while, and says what came on them.
pub(super) async fn hold(stage: &Rc<Stage>, extent: Extent, opening: Span) -> Findings {
    let time = match extent {
        Extent::Time(time) => time,
        Extent::Messages(_) => HELD,
    };
    let (heartbeats, bytes) = (stage.tally.heartbeats.get(), stage.tally.bytes.get());
    sleep(time).await;
    Findings::Idle {
        opening_seconds: seconds(opening.took),
        held_seconds: seconds(time),
        heartbeats: stage.tally.heartbeats.get() - heartbeats,
        bytes: stage.tally.bytes.get() - bytes,
    }
}
