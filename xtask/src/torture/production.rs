//! Failures of production, one after the other: processes die, RabbitMQ and Redis come and go.

use super::{
    act::{Act, ENGINE, PARTITIONS, UNCONCERNED},
    stage::Which,
};
use anyhow::Result;

pub(super) async fn play(act: &mut Act<'_>) -> Result<()> {
    act.calm().await;
    act.stage.engine(Which::Redis).engine.flush().await?;
    act.works_again("Redis is flushed", UNCONCERNED).await?;

    act.stage.engine(Which::Rabbitmq).engine.kill();
    act.works_again("RabbitMQ is killed", UNCONCERNED).await?;
    for gateway in act.dice.shuffled(act.traffic.processes("gateway")).into_iter().take(1) {
        act.traffic.kill(&gateway).await?;
        act.recovers(&format!("{gateway} is killed, without RabbitMQ"), [ENGINE; 3], None).await?;
        act.lasts(1, 10).await;
        act.traffic.start(&gateway).await?;
    }
    act.lasts(1, 10).await;
    act.stage.engine(Which::Rabbitmq).engine.start_again().await?;
    act.works_again("RabbitMQ serves again", UNCONCERNED).await?;

    for worker in act.dice.shuffled(act.traffic.processes("worker")).into_iter().take(1) {
        act.traffic.kill(&worker).await?;
        let within = [UNCONCERNED, UNCONCERNED, PARTITIONS];
        act.recovers(&format!("{worker} is killed"), within, Some(&worker)).await?;
        act.stage.engine(Which::Redis).engine.kill();
        act.works_again("Redis is killed", UNCONCERNED).await?;
        act.traffic.start(&worker).await?;
    }
    act.stage.engine(Which::Redis).engine.start_again().await?;
    act.works_again("Redis serves again, empty", UNCONCERNED).await?;

    act.stage.engine(Which::Rabbitmq).engine.kill();
    act.lasts(1, 8).await;
    act.stage.engine(Which::Rabbitmq).engine.start_again_empty().await?;
    act.works_again("RabbitMQ serves again, empty", UNCONCERNED).await
}
