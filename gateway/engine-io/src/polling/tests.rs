//! Requests in every order.

use super::*;

struct Scene {
    requests: mpsc::Sender<Request>,
    polled: Polled,
}

impl Scene {
    fn new() -> Self {
        let (requests, receiver) = mpsc::channel(8);
        Self { requests, polled: Polled::new(receiver, Duration::from_secs(60)) }
    }

    async fn poll(&self) -> oneshot::Receiver<String> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(Request::Poll(reply)).await.ok().unwrap();
        answer
    }

    async fn post(&self, packets: &[&str]) -> oneshot::Receiver<()> {
        let (reply, taken) = oneshot::channel();
        let packets = packets.iter().map(|packet| (*packet).into()).collect();
        self.requests.send(Request::Packets(packets, reply)).await.ok().unwrap();
        taken
    }

    async fn packet(&mut self) -> String {
        match self.polled.next(true).await {
            Came::Packet(packet) => packet.to_string(),
            _ => panic!("a packet"),
        }
    }

    async fn polled(&mut self) {
        assert!(matches!(self.polled.next(false).await, Came::Poll));
    }
}

#[tokio::test]
async fn one_payload_waits_for_a_poll_and_the_next_for_that() {
    let mut scene = Scene::new();
    assert!(scene.polled.write("4a".to_owned()).await.is_ok_and(|moved| moved.is_none()));
    scene.polled.ping();
    scene.polled.ping();
    let first = scene.poll().await;
    assert!(scene.polled.write("4b".to_owned()).await.is_ok(), "the poll is answered meanwhile");
    assert_eq!(first.await.unwrap(), "4a\u{1e}2");
    let second = scene.poll().await;
    scene.polled.flushed().await;
    assert_eq!(second.await.unwrap(), "4b");
}

#[tokio::test]
async fn what_a_broken_poll_did_not_fetch_the_next_one_does() {
    let mut scene = Scene::new();
    let broken = scene.poll().await;
    scene.polled().await;
    drop(broken);
    assert!(scene.polled.write("4a".to_owned()).await.is_ok());
    let next = scene.poll().await;
    scene.polled.flushed().await;
    assert_eq!(next.await.unwrap(), "4a");
}

#[tokio::test]
async fn a_second_poll_at_the_same_time_is_refused_and_the_session_is_over() {
    let mut scene = Scene::new();
    let first = scene.poll().await;
    let second = scene.poll().await;
    let third = scene.post(&["4x"]).await;
    scene.polled().await;
    assert!(matches!(scene.polled.next(true).await, Came::Bad(Fault::NotOurs)));
    assert!(second.await.is_err());
    // The first is answered with the reason, and nothing more is received.
    assert!(scene.polled.write("1".to_owned()).await.is_ok());
    assert_eq!(first.await.unwrap(), "1");
    let fourth = scene.poll().await;
    assert!(scene.polled.write("4a".to_owned()).await.is_ok());
    scene.polled.flushed().await;
    assert!(third.await.is_err());
    assert_eq!(fourth.await.unwrap(), "4a");
}

#[tokio::test]
async fn a_post_waits_until_the_one_before_is_read_and_a_third_is_refused() {
    let mut scene = Scene::new();
    let (first, mut second) = (scene.post(&["4a", "4b"]).await, scene.post(&["4c"]).await);
    let third = scene.post(&["4d"]).await;
    scene.poll().await;
    scene.polled().await;
    assert!(first.await.is_ok() && third.await.is_err());
    assert!(second.try_recv().is_err());
    assert_eq!([scene.packet().await, scene.packet().await, scene.packet().await], ["4a", "4b", "4c"]);
    assert!(second.await.is_ok());
}

#[tokio::test]
async fn no_poll_is_kept_waiting_while_the_client_tries_a_web_socket() {
    let mut scene = Scene::new();
    let waiting = scene.poll().await;
    scene.polled().await;
    assert!(!scene.polled.must_answer());
    scene.requests.send(Request::Probing(true)).await.ok().unwrap();
    scene.polled().await;
    assert!(scene.polled.must_answer());
    scene.polled.noop();
    assert_eq!(waiting.await.unwrap(), "6");
    scene.requests.send(Request::Probing(false)).await.ok().unwrap();
    let _kept = scene.poll().await;
    scene.polled().await;
    assert!(!scene.polled.must_answer());
}

#[tokio::test]
async fn nobody_left_to_ask_is_the_end() {
    let mut scene = Scene::new();
    drop(scene.requests);
    assert!(matches!(scene.polled.next(true).await, Came::Gone));
    assert!(scene.polled.write("4a".to_owned()).await.is_ok());
    assert!(scene.polled.write("4b".to_owned()).await.is_err());
}
