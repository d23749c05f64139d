//! Tasks of a device whose tokens have ended, against a node that takes a refresh token once and a second use of it for a theft.

#![expect(clippy::unwrap_used, reason = "a test that panics says what is wrong")]

use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;
use denrei_client::device::{Device, NodeWatch, Observer, Sending};
use denrei_client::transport::{Call, Target};
use denrei_model::operation::Category;
use denrei_model::wire::Position;
use denrei_model::wire::account::{Credentials, RenewRequest};
use denrei_model::wire::frame::FullSyncReason;
use denrei_model::wire::message::{MessageDraft, Recipient, SendRequest};
use denrei_model::{AccountId, DeviceId};
use h2::RecvStream;
use h2::server::SendResponse;
use http::{Request, Response};
use tokio::net::TcpListener;
use tokio::sync::Barrier;
use tokio::task::{LocalSet, spawn_local, yield_now};

/// Tasks of the device that ask at once.
const TASKS: usize = 3;

struct Nobody;

impl Observer for Nobody {
    fn opened(&self, _: Option<Position>) {}
    fn line(&self, _: &str) {}
    fn page(&self, _: Category, _: &str) {}
    fn stored(&self, _: Position) {}
    fn full_sync(&self, _: FullSyncReason) {}
}

/// The tokens of one device, as the node knows them.
struct Node {
    /// How often they were renewed; older ones have ended.
    renewed: RefCell<u32>,
    /// Told that their token has ended only when all have asked with it.
    ended: Barrier,
}

fn credentials(number: u32) -> Credentials {
    Credentials {
        account: AccountId::derived("test", &[b"brown"]),
        device: DeviceId::derived("test", &[b"phone"]),
        access_token: format!("access {number}"),
        expires_in: 3_600,
        refresh_token: format!("refresh {number}"),
    }
}

impl Node {
    async fn answer(self: Rc<Self>, request: Request<RecvStream>, mut to: SendResponse<Bytes>) {
        let renewed = *self.renewed.borrow();
        let (status, body) = if request.uri().path() == "/v1/token" {
            self.renew(request.into_body()).await
        } else if request.headers()["authorization"] == format!("Bearer access {renewed}").as_str()
            && renewed > 0
        {
            (200, "{}".to_owned())
        } else {
            self.ended.wait().await;
            (401, String::new())
        };
        let response = Response::builder().status(status).body(()).unwrap();
        let mut stream = to.send_response(response, false).unwrap();
        stream.send_data(Bytes::from(body), true).unwrap();
    }

    async fn renew(&self, mut body: RecvStream) -> (u16, String) {
        let request: RenewRequest = serde_json::from_slice(&body.data().await.unwrap().unwrap()).unwrap();
        let renewed = *self.renewed.borrow();
        if request.refresh_token != credentials(renewed).refresh_token {
            return (401, "it was used before".to_owned());
        }
        *self.renewed.borrow_mut() += 1;
        // Time for whoever else would renew them.
        for _ in 0..1_000 {
            yield_now().await;
        }
        (200, serde_json::to_string(&credentials(renewed + 1)).unwrap())
    }

    async fn serve(self: Rc<Self>, listener: TcpListener) {
        let (socket, _) = listener.accept().await.unwrap();
        let mut connection = h2::server::handshake(socket).await.unwrap();
        while let Some(Ok((request, to))) = connection.accept().await {
            spawn_local(Rc::clone(&self).answer(request, to));
        }
    }
}

#[tokio::test]
async fn of_all_tasks_whose_token_has_ended_one_renews_it_for_all() {
    let tasks = async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = Target::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let node = Rc::new(Node { renewed: RefCell::new(0), ended: Barrier::new(TASKS) });
        spawn_local(Rc::clone(&node).serve(listener));
        let device = Device::new(target, credentials(0), Rc::new(NodeWatch::default()), Rc::new(Nobody));
        let ask = || {
            let device = Rc::clone(&device);
            spawn_local(
                async move { device.ask(&Call::get("/v1/profile")).await.map(|answer| answer.status) },
            )
        };
        let message = MessageDraft::Text { text: "hello".to_owned(), reply_to: None, mentions: Vec::new() };
        let to = Recipient::Account(AccountId::derived("test", &[b"cony"]));
        let sending = Sending { key: "20261124-1".to_owned(), request: SendRequest { to, message } };
        let (one, other) = (ask(), ask());
        let sent = device.send(&sending).await.unwrap();
        assert_eq!((sent.status, sent.attempts), (200, 2));
        assert_eq!((one.await.unwrap().unwrap(), other.await.unwrap().unwrap()), (200, 200));
        assert_eq!(device.credentials(), credentials(1));
        assert_eq!(*node.renewed.borrow(), 1);
    };
    LocalSet::new().run_until(tasks).await;
}
