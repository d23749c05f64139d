//! Nothing leaves before it is durable, and all of it does then.

use std::sync::{Arc, Mutex};

use denrei_actors::account::device::revoke::Revoke;
use denrei_actors::chatroom::ChatRefused;
use denrei_actors::entity::EntityRef;
use denrei_actors::session::{DeviceWatch, Signal};
use denrei_actors::{Command, CommandError, Handle, Origin};
use denrei_model::id::{AccountId, DeviceId};
use denrei_model::operation::Payload;
use denrei_model::position::Seq;
use tokio::sync::oneshot;

use super::act::{direct, message, to_chat};
use super::judge::{self, payloads};
use super::stage::{Setting, Stage, account, device, origin};

type Outcome<C> = Result<<C as Command>::Answer, CommandError<<C as Command>::Refusal>>;

/// Asks without waiting for the answer.
pub(crate) fn ask<C: Command>(handle: &Handle, command: C, origin: Origin) -> oneshot::Receiver<Outcome<C>> {
    let (to, answer) = oneshot::channel();
    let handle = handle.clone();
    actix::spawn(async move { to.send(handle.ask(command, origin).await) });
    answer
}

fn torn() -> Setting {
    Setting { early_apply: false, ..Setting::default() }
}

#[actix::test]
async fn a_message_reaches_the_log_and_the_stream_of_its_receiver() {
    let mut stage = Stage::with_people(Setting::default(), 2).await;
    let stream = stage.listen(2).await;
    let sent = stage.handle.ask(message(1, 2, None, "hello"), origin(1, None)).await.unwrap();
    stage.rest(100).await;
    assert_eq!((sent.chat, sent.seq), (direct(1, 2), Seq::new(1)));
    let log = payloads(&stage, 2).await;
    assert!(matches!(&log[..], [Payload::ReceiveMessage(got)] if got.message.seq == sent.seq && got.n == 1));
    assert_eq!(stage.notes.deliveries.lock().unwrap()[0].streams, [stream]);
    judge::all_stand(&stage, 2).await;
}

#[actix::test]
async fn neither_answer_nor_push_leaves_before_the_commit() {
    for setting in [Setting::default(), torn()] {
        let mut stage = Stage::with_people(setting, 2).await;
        stage.listen(1).await;
        stage.listen(2).await;
        stage.store.hold();
        let mut answer = ask(&stage.handle, message(1, 2, None, "hello"), origin(1, None));
        stage.rest(500).await;
        assert!(answer.try_recv().is_err(), "no answer");
        assert_eq!(stage.pushed().len(), 0, "no push");
        stage.store.release();
        stage.rest(500).await;
        assert!(answer.try_recv().unwrap().is_ok());
        assert_eq!(stage.pushed().len(), 2);
        tokio::time::resume();
    }
}

#[actix::test]
async fn a_refusal_waits_for_what_it_has_seen() {
    let stage = Stage::with_people(Setting { shards: 1, ..Setting::default() }, 3).await;
    stage.store.hold();
    let _sent = ask(&stage.handle, message(1, 2, None, "hello"), origin(1, None));
    let mut refused = ask(&stage.handle, to_chat(3, direct(1, 2), None, "me too"), origin(3, None));
    stage.rest(100).await;
    assert!(refused.try_recv().is_err(), "it would tell that the chat exists");
    stage.store.release();
    let refusal = refused.await.unwrap();
    assert_eq!(refusal.unwrap_err(), CommandError::Refused(ChatRefused::NotMember));
}

#[actix::test]
async fn records_follow_the_commit_where_shards_commit_apart() {
    let stage = Stage::with_people(torn(), 2).await;
    stage.store.hold();
    let _sent = ask(&stage.handle, message(1, 2, None, "hello"), origin(1, None));
    stage.rest(500).await;
    assert_eq!(stage.store.waiting(), 1, "only the chat's own batch");
    stage.store.commit_next();
    stage.rest(500).await;
    assert!(stage.store.waiting() >= 1, "now its members have theirs");
    stage.store.release();
    stage.rest(500).await;
    judge::all_stand(&stage, 2).await;
}

#[actix::test]
async fn records_run_ahead_of_the_commit_where_there_is_one_order() {
    let stage = Stage::with_people(Setting::default(), 2).await;
    stage.store.hold();
    let _sent = ask(&stage.handle, message(1, 2, None, "hello"), origin(1, None));
    stage.rest(100).await;
    let apart = usize::from(stage.shard(1) != stage.shard(2));
    assert_eq!(stage.store.waiting(), 2 + apart, "the chat and both accounts, in one group");
}

#[actix::test]
async fn a_stream_registered_between_commit_and_departure_neither_misses_nor_repeats() {
    let mut stage = Stage::with_people(Setting::default(), 2).await;
    stage.store.hush();
    let _sent = ask(&stage.handle, message(1, 2, None, "hello"), origin(1, None));
    stage.rest(100).await;
    assert_eq!(payloads(&stage, 2).await.len(), 1, "durable, but the shard was not told");
    stage.listen(2).await;
    stage.store.speak();
    stage.rest(100).await;
    let mut revisions: Vec<_> = stage.pushed().into_keys().map(|(_, revision)| revision.get()).collect();
    revisions.sort_unstable();
    assert_eq!(revisions, [1]);
    assert_eq!(stage.notes.deliveries.lock().unwrap().len(), 1);
}

#[actix::test]
async fn a_stream_ends_when_its_logging_out_is_durable_and_cannot_come_back() {
    let mut stage = Stage::with_people(Setting::default(), 1).await;
    let stream = stage.listen(1).await;
    stage.store.hold();
    let revoke = Revoke { account: account(1), device: device(1) };
    let _revoked = ask(&stage.handle, revoke, origin(1, None));
    stage.rest(100).await;
    assert_eq!(stage.signals(), []);
    stage.store.release();
    stage.rest(100).await;
    assert_eq!(stage.signals(), [(stream, Signal::Revoked)]);
    let report = stage.handle.inspect(stage.shard(1), Some(EntityRef::Account(account(1)))).await.unwrap();
    assert_eq!((report.figures.sessions, report.entity.unwrap().sessions.len()), (0, 0));
}

/// Notes which devices have changed.
#[derive(Default)]
struct Watched(Mutex<Vec<(AccountId, DeviceId)>>);

impl DeviceWatch for Watched {
    fn changed(&self, of: AccountId, which: DeviceId) {
        self.0.lock().unwrap().push((of, which));
    }
}

#[actix::test]
async fn whoever_watches_devices_is_told_of_a_change_when_it_is_durable() {
    let stage = Stage::with_people(Setting::default(), 1).await;
    let watched = Arc::new(Watched::default());
    stage.handle.watch_devices(Arc::<Watched>::clone(&watched));
    stage.store.hold();
    let revoke = Revoke { account: account(1), device: device(1) };
    let _revoked = ask(&stage.handle, revoke, origin(1, None));
    stage.rest(100).await;
    assert_eq!(*watched.0.lock().unwrap(), []);
    stage.store.release();
    stage.rest(100).await;
    assert_eq!(*watched.0.lock().unwrap(), [(account(1), device(1))]);
}

#[actix::test]
async fn somebody_who_registers_later_exists_from_then_on() {
    let stage = Stage::with_people(Setting { shards: 16, ..Setting::default() }, 1).await;
    for other in 2..=9 {
        let before = stage.handle.ask(message(1, other, None, "hello"), origin(1, None)).await;
        assert_eq!(before.unwrap_err(), CommandError::Refused(ChatRefused::NoAccount(account(other))));
        stage.register(other).await;
        stage.handle.ask(message(1, other, None, "hello"), origin(1, None)).await.unwrap();
    }
}

#[actix::test]
async fn read_marks_are_told_at_once_then_together_after_a_pause() {
    use denrei_actors::account::mark_read::MarkRead;
    let stage = Stage::with_people(Setting::default(), 2).await;
    for _ in 0..3 {
        stage.handle.ask(message(1, 2, None, "hello"), origin(1, None)).await.unwrap();
    }
    stage.rest(100).await;
    let (account, chat) = (account(2), direct(1, 2));
    for seq in 1..=3 {
        let mark = MarkRead { account, chat, seq: Seq::new(seq) };
        stage.handle.ask(mark, origin(2, None)).await.unwrap();
        stage.rest(50).await;
    }
    let told = |log: Vec<Payload>| -> Vec<u64> {
        let mark = |payload| match payload {
            Payload::NotifiedReadMessage(read) => Some(read.reads[0].seq.get()),
            _ => None,
        };
        log.into_iter().filter_map(mark).collect()
    };
    assert_eq!(told(payloads(&stage, 1).await), [1]);
    stage.rest(2_500).await;
    assert_eq!(told(payloads(&stage, 1).await), [1, 3]);
    judge::all_stand(&stage, 2).await;
}
