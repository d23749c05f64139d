//! Everyone comes: people register, link their second devices, and their devices follow their streams.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use denrei_model::id::AccountId;
use denrei_model::wire::account::{Credentials, DeviceDraft, LinkCode, LinkRequest, RegisterRequest};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::sleep;

use super::message::granted;
use super::{DeviceTape, RunError, Stage, Tally};
use crate::device::{Device, LinkError, register};
use crate::transport::{Call, Method, Target};

/// People who register, and streams that open, at once.
const AT_ONCE: usize = 32;
/// Between two looks at whether a stream is open.
const LOOK: Duration = Duration::from_millis(5);

/// How somebody comes.
#[derive(Clone)]
pub(crate) struct Entrance {
    /// No other has it.
    pub(crate) name: String,
    /// One or two.
    pub(crate) devices: usize,
    pub(crate) target: Target,
    pub(crate) tally: Rc<Tally>,
}

/// A person with their devices; the first one sends.
pub(crate) struct Player {
    pub(crate) account: AccountId,
    pub(crate) devices: Vec<Rc<Device>>,
}

impl Player {
    /// The device that sends.
    pub(crate) fn sender(&self) -> Option<&Rc<Device>> {
        self.devices.first()
    }
}

/// Streams that are followed.
pub(crate) type Streams = Vec<JoinHandle<Result<(), LinkError>>>;

impl Stage {
    /// An ordinary person.
    pub(crate) fn entrance(&self, name: &str, devices: usize) -> Entrance {
        let (target, tally) = (self.target.clone(), Rc::clone(&self.tally));
        Entrance { name: name.to_owned(), devices, target, tally }
    }

    /// Registers everyone and links their second devices; players come in the order of entrances.
    pub(crate) async fn enter(self: &Rc<Self>, entrances: &[Entrance]) -> Result<Vec<Player>, RunError> {
        let permits = Arc::new(Semaphore::new(AT_ONCE));
        let mut entering = Vec::with_capacity(entrances.len());
        for entrance in entrances {
            let (stage, entrance, permits) = (Rc::clone(self), entrance.clone(), Arc::clone(&permits));
            entering.push(spawn_local(async move {
                let _permit = permits.acquire_owned().await;
                stage.enter_one(&entrance).await
            }));
        }
        let mut players = Vec::with_capacity(entrances.len());
        for entered in entering {
            players.push(entered.await??);
        }
        Ok(players)
    }

    async fn enter_one(&self, entrance: &Entrance) -> Result<Player, LinkError> {
        let name = format!("person {}", entrance.name);
        let request = RegisterRequest { name, device: self.draft(1), token: None, external_id: None };
        let key = self.key(&entrance.name);
        let credentials = register(&entrance.target, &self.watch, &request, &key).await?;
        let account = credentials.account;
        let first = self.device(credentials, entrance);
        let mut devices = vec![Rc::clone(&first)];
        for number in 2..=entrance.devices {
            let code = Call::new(Method::POST, "/v1/devices/link-code");
            let code: LinkCode = granted(&first.ask(&code).await?)?;
            let link = LinkRequest { code: code.code, device: self.draft(number) };
            let call = Call::post("/v1/devices/link", &link).key(&format!("{key}-link-{number}"));
            devices.push(self.device(granted(&first.ask(&call).await?)?, entrance));
        }
        Ok(Player { account, devices })
    }

    fn draft(&self, number: usize) -> DeviceDraft {
        DeviceDraft { name: format!("device {number}"), platform: self.options.play.to_owned() }
    }

    /// A device whose frames are recorded.
    fn device(&self, credentials: Credentials, entrance: &Entrance) -> Rc<Device> {
        let Credentials { account, device, .. } = &credentials;
        let tape = self.recorder.tape(&format!("devices/{device}.ndjson"));
        tape.line("device", &format!(",\"account\":\"{account}\",\"device\":\"{device}\""));
        let (tally, watch) = (Rc::clone(&entrance.tally), Rc::clone(&self.watch));
        let observer = Rc::new(DeviceTape { tape, tally, watch });
        Device::new(entrance.target.clone(), credentials, Rc::clone(&self.watch), observer)
    }

    /// Opens the stream of every device, few at once. A first stream ends with word to take snapshots; the second stays.
    pub(crate) async fn open_streams(self: &Rc<Self>, players: &[Player]) -> Result<Streams, RunError> {
        let permits = Arc::new(Semaphore::new(AT_ONCE));
        let (mut streams, mut opening) = (Streams::new(), Vec::new());
        for device in players.iter().flat_map(|player| &player.devices) {
            let permit = Arc::clone(&permits).acquire_owned().await.map_err(std::io::Error::other)?;
            let device = Rc::clone(device);
            let stream = spawn_local(Rc::clone(&device).follow());
            let handle = stream.abort_handle();
            streams.push(stream);
            opening.push(spawn_local(async move {
                while device.opened() < 2 && !handle.is_finished() {
                    sleep(LOOK).await;
                }
                drop(permit);
            }));
        }
        for opened in opening {
            opened.await?;
        }
        Ok(streams)
    }
}

/// Follows the stream of every device from now on.
pub(crate) fn follow(players: &[Player]) -> Streams {
    let devices = players.iter().flat_map(|player| &player.devices);
    devices.map(|device| spawn_local(Rc::clone(device).follow())).collect()
}
