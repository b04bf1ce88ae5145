//! Runs between processes.

use crate::{
    arms::{Processes, soon, until},
    lanes::{HIGH, MEDIUM, OTHER, batch, lanes, tiers, told},
};
use domain::Tier;

#[tokio::test]
async fn each_process_hears_of_the_others_runs_once_and_knows_its_own() {
    let processes = Processes::new();
    let (one, two) = (processes.join_up().await, processes.join_up().await);
    let (mut at_one, mut at_two) = (one.subscribe(tiers(&Tier::DURABLE)), two.subscribe(tiers(&Tier::DURABLE)));
    let mut workers = two.subscribe(lanes(&[OTHER]));
    soon(async { tokio::join!(at_one.ready(), at_two.ready(), workers.ready()) }).await;
    one.publish(&batch(&[HIGH, OTHER, MEDIUM, HIGH]));
    for subscription in [&mut at_one, &mut at_two] {
        let mut heard = Vec::new();
        for _ in 0..3 {
            heard.push(told(&soon(subscription.next()).await.unwrap()));
        }
        heard.sort_by_key(|(lane, _)| *lane);
        assert_eq!(heard, [(HIGH, vec![1, 4]), (OTHER, vec![2]), (MEDIUM, vec![3])]);
    }
    assert_eq!(told(&soon(workers.next()).await.unwrap()), (OTHER, vec![2]));
    until("confirmed", || one.stats().high.confirmed == 2 && one.stats().medium.confirmed == 1).await;
    until("known as its own", || one.stats().high.own == 2 && one.stats().medium.own == 1).await;
    let (one, two) = (one.stats(), two.stats());
    assert_eq!((one.high.published, one.high.received, one.high.unsent, one.high.returned), (2, 0, 0, 0));
    assert_eq!((two.high.published, two.high.received, two.medium.received), (0, 3, 1));
}
