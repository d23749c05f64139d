//! Following the stream: what the machine wishes, done.

use std::rc::Rc;
use std::time::Duration;

use denrei_model::wire::Position;
use denrei_model::wire::frame::SyncRequest;
use tokio::time::{sleep, timeout};

use super::{Device, LinkError};
use crate::machine::{Seen, Wish};
use crate::transport::{Call, CallError, Lines};

type Line = Result<Option<String>, CallError>;

/// Without a line for this long the stream is taken for dead: two heartbeats and some.
const SILENCE: Duration = Duration::from_secs(60);

enum Ended {
    /// Look at the machine's wish.
    Again,
    Over,
}

impl Device {
    /// Follows the stream until the device is ended, replaced or logged out.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn follow(self: Rc<Self>) -> Result<(), LinkError> {
        while !self.ending.get() {
            if !self.online.get() {
                self.turned.notified().await;
                continue;
            }
            let wish = self.machine.borrow().wish();
            match self.act(wish).await? {
                Ended::Again => {}
                Ended::Over => return Ok(()),
            }
        }
        Ok(())
    }

    async fn act(&self, wish: Wish) -> Result<Ended, LinkError> {
        match wish {
            Wish::Open { position, resume } => self.stream(position, resume).await,
            Wish::Fetch { category, after } => {
                let after = after.map(|after| format!("?after={after}")).unwrap_or_default();
                let path = format!("/v1/snapshots/{}{after}", category.as_str());
                let answer = self.ask(&Call::get(path)).await?;
                if !answer.is_ok() {
                    return Err(LinkError::Refused { status: answer.status, body: answer.body });
                }
                self.observer.page(category, &answer.body);
                let before = self.machine.borrow().full_syncs();
                let taken = self.machine.borrow_mut().page(category, &answer.body);
                if let Err(error) = taken {
                    tracing::warn!(%error, "a page is fetched again");
                    sleep(Duration::from_millis(100)).await;
                }
                let position = self.machine.borrow().state().position;
                if let Some(position) = position.filter(|_| self.machine.borrow().full_syncs() > before) {
                    self.observer.stored(position);
                }
                Ok(Ended::Again)
            }
            Wish::Ask(reason) => {
                let request =
                    SyncRequest { position: None, reason: Some(reason), resume_token: None, count: None };
                let answer = self.ask(&Call::post("/v1/sync", &request)).await?;
                if !answer.is_ok() {
                    return Err(LinkError::Refused { status: answer.status, body: answer.body });
                }
                self.take(&answer.body)?;
                Ok(Ended::Again)
            }
            Wish::Wait(millis) => {
                sleep(Duration::from_millis(millis)).await;
                Ok(Ended::Again)
            }
            Wish::Rest => Ok(Ended::Over),
            Wish::LogOut => Err(LinkError::LoggedOut("the device was logged out".to_owned())),
        }
    }

    async fn stream(&self, position: Option<Position>, resume: Option<String>) -> Result<Ended, LinkError> {
        let Some(connection) = self.link.connection(&self.target).await? else { return Ok(Ended::Again) };
        let token = self.credentials.borrow().access_token.clone();
        let call = Call::get(stream_path(position, resume.as_deref())).bearer(&token);
        let opened = connection.lines(&call).await;
        if opened.is_ok() {
            self.link.answered();
        }
        match opened {
            Ok(Ok(lines)) => {
                self.opened.set(self.opened.get() + 1);
                self.observer.opened(position);
                let ended = self.read(lines).await?;
                return Ok(ended);
            }
            Ok(Err(answer)) if answer.status == 401 => self.renew(&token).await?,
            Ok(Err(answer)) if matches!(answer.status, 429 | 503) => sleep(Duration::from_millis(200)).await,
            Ok(Err(answer)) => return Err(LinkError::Refused { status: answer.status, body: answer.body }),
            Err(_) => {
                self.link.broken(&connection);
                self.link.pause().await;
            }
        }
        Ok(Ended::Again)
    }

    /// Reads lines until the stream ends, the machine wishes something else, or the device goes off.
    async fn read(&self, mut lines: Lines) -> Result<Ended, LinkError> {
        loop {
            let turned = self.turned.notified();
            if !self.online.get() || self.ending.get() {
                return Ok(Ended::Again);
            }
            let line = tokio::select! {
                line = self.hear(&mut lines) => line,
                () = turned => continue,
            };
            let line = match line {
                Ok(Some(line)) => line,
                Err(CallError::Malformed(reason)) => {
                    return Err(LinkError::Refused { status: 200, body: reason });
                }
                Ok(None) | Err(_) => {
                    self.link.pause().await;
                    return Ok(Ended::Again);
                }
            };
            let wish = self.take(&line)?;
            if let Some(wish) = wish {
                return match wish {
                    Wish::Open { .. } | Wish::Ask(_) | Wish::Fetch { .. } => Ok(Ended::Again),
                    other => Box::pin(self.act(other)).await,
                };
            }
        }
    }

    /// The next line, at the pace of the device. One that reads slowly cannot tell silence from its own slowness.
    async fn hear(&self, lines: &mut Lines) -> Line {
        let pace = self.pace.get();
        lines.set_pace(pace);
        if pace.is_some() {
            return lines.next().await;
        }
        timeout(SILENCE, lines.next()).await.unwrap_or(Err(CallError::TimedOut))
    }
}

impl Device {
    /// Hands a line to the machine, and shows it to who watches.
    fn take(&self, line: &str) -> Result<Option<Wish>, LinkError> {
        self.observer.line(line);
        let taken = self.machine.borrow_mut().line(line);
        if let Some(newest) = self.kept.get() {
            self.machine.borrow_mut().drop_older(newest);
        }
        let (seen, wish) =
            taken.map_err(|error| LinkError::Refused { status: 200, body: error.to_string() })?;
        if let Seen::FullSync(full_sync) = &seen {
            self.observer.full_sync(full_sync.reason);
        }
        Ok(wish)
    }
}

fn stream_path(position: Option<Position>, resume: Option<&str>) -> String {
    let Some(Position { log_id, revision, tag }) = position else { return "/v1/stream".to_owned() };
    let resume = resume.map(|token| format!("&resume_token={token}")).unwrap_or_default();
    format!("/v1/stream?log_id={log_id}&revision={revision}&tag={tag}{resume}")
}
