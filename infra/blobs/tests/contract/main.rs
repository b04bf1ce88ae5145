//! What holds of a place of bytes: a folder, and a bucket.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bucket;
mod home;

use blobs::{BlobError, BlobKey, Blobs};
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use home::Home;
use uuid::Uuid;

/// More than two parts.
const BIG: usize = 11 * 1024 * 1024;

fn key(n: u128) -> BlobKey {
    BlobKey::content(Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0000 | n))
}

async fn bring(blobs: &Blobs, key: BlobKey, chunks: &[&[u8]]) -> blobs::Stored {
    let mut upload = blobs.upload(key);
    for chunk in chunks {
        upload.write(Bytes::copy_from_slice(chunk)).await.unwrap();
    }
    upload.finish().await.unwrap()
}

/// Makes of one async test function the tests `folder` and `bucket`.
macro_rules! each_place {
    ($name:ident, |$home:ident| $body:expr) => {
        mod $name {
            use super::*;

            async fn scenario($home: Home) {
                let blobs = &$home.blobs;
                ($body)(blobs, &$home).await;
            }

            #[tokio::test]
            async fn folder() {
                scenario(Home::folder()).await;
            }

            #[tokio::test]
            async fn bucket() {
                scenario(Home::bucket().await).await;
            }
        }
    };
}

each_place!(what_is_brought_is_fetched_whole_or_in_part, |home| async |blobs: &Blobs, _: &Home| {
    let stored = bring(blobs, key(1), &[b"hello", b" world"]).await;
    assert_eq!((stored.size, stored.sha256[0]), (11, 0xb9), "the digest of what came");
    let whole = blobs.download(key(1), None).await.unwrap();
    assert_eq!((whole.size, whole.whole().await.unwrap().as_ref()), (11, b"hello world".as_ref()));
    let part = blobs.download(key(1), Some(6..9)).await.unwrap();
    let size = part.size;
    let bytes = part.bytes.try_collect::<Vec<_>>().await.unwrap().concat();
    assert_eq!((size, bytes.as_slice()), (11, b"wor".as_ref()));
    assert!(matches!(blobs.download(key(2), None).await, Err(BlobError::NotFound)));
});

each_place!(what_is_big_goes_in_parts, |home| async |blobs: &Blobs, _: &Home| {
    let chunk = vec![7; 64 * 1024];
    let chunks: Vec<&[u8]> = (0..BIG / chunk.len()).map(|_| chunk.as_slice()).collect();
    assert_eq!(bring(blobs, key(1), &chunks).await.size, BIG as u64);
    let whole = blobs.download(key(1), None).await.unwrap().whole().await.unwrap();
    assert!(whole.len() == BIG && whole.iter().all(|byte| *byte == 7));
});

each_place!(what_is_not_finished_leaves_nothing, |home| async |blobs: &Blobs, home: &Home| {
    for size in [10, BIG] {
        let mut upload = blobs.upload(key(1));
        upload.write(vec![1; size].into()).await.unwrap();
        drop(upload);
    }
    while !home.lying().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(matches!(blobs.download(key(1), None).await, Err(BlobError::NotFound)));
});

each_place!(all_are_listed_and_removed_once_or_twice, |home| async |blobs: &Blobs, home: &Home| {
    let thumb = BlobKey::thumb(key(1).id);
    for key in [key(1), thumb, key(2)] {
        bring(blobs, key, &[b"x"]).await;
    }
    let mut all: Vec<_> = blobs.list().try_collect().await.unwrap();
    all.sort();
    assert_eq!(all, [key(1), thumb, key(2)]);
    for key in [key(1), thumb, key(2), key(2)] {
        blobs.delete(key).await.unwrap();
    }
    assert!(home.lying().is_empty());
});

#[tokio::test]
async fn what_a_killed_process_left_in_a_folder_is_swept() {
    let home = Home::folder();
    bring(&home.blobs, key(1), &[b"whole"]).await;
    let part = home.path().join(format!("01/{}#1", key(1).id));
    std::fs::write(&part, b"a part").unwrap();
    let made_at = key(1).made_at().unwrap();
    assert_eq!(home.blobs.sweep_parts(made_at).await.unwrap(), 0, "it may be on its way");
    assert_eq!(home.blobs.sweep_parts(made_at + 1).await.unwrap(), 1);
    assert_eq!(home.lying(), [key(1).id.to_string()]);
}
