//! A history with a busy group, and its rebuild.

use super::{Story, World};
use domain::{friendship::FriendshipAct, read_marker::Mark};
use projections::{
    Error, Projection,
    rebuild::{RebuildOptions, Rebuilt, rebuild},
};
use tokio_util::sync::CancellationToken;

pub(crate) fn life(seed: u64) -> Story {
    let mut story = Story::new(seed);
    story.register_all(4);
    story.sign_in(0, 0);
    story.pair(0, 1, FriendshipAct::Request);
    let group = story.open_group(0, 0, &[1, 2], false);
    chatter(&mut story, 0, 60);
    story.mark(group, 1, 30, Mark::Read);
    story
}

pub(crate) fn chatter(story: &mut Story, begin: u64, end: u64) {
    let group = story.group(0);
    for n in begin..end {
        story.send(n, n % 3, group, "hello");
        story.react(n, (n + 1) % 3, "👍");
    }
}

pub(crate) async fn rebuilt(world: &World, options: RebuildOptions) -> Result<Rebuilt, Error> {
    let token = CancellationToken::new();
    rebuild(&world.store, &world.home.read_models(), &Projection::ALL, options, token).await
}
