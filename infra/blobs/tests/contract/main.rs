//! The contract of a store of blobs: a folder, and a bucket.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bucket;
mod home;

use blobs::{BlobError, BlobKey, Blobs, Place, S3};
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use home::Home;
use std::{fs::Permissions, os::unix::fs::PermissionsExt as _, time::Duration};
use uuid::Uuid;

const DEADLINE: Duration = Duration::from_secs(60);
/// More than two parts.
const BIG: usize = 11 * 1024 * 1024;

fn key(n: u128) -> BlobKey {
    BlobKey::content(Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0000 | n))
}

async fn upload(blobs: &Blobs, key: BlobKey, chunks: &[&[u8]]) -> blobs::Stored {
    let mut upload = blobs.upload(key);
    for chunk in chunks {
        upload.write(Bytes::copy_from_slice(chunk)).await.unwrap();
    }
    upload.finish().await.unwrap()
}

/// Turns an async test function into the tests `folder` and `bucket`.
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

#[tokio::test]
async fn a_folder_open_to_others_is_closed_to_them() {
    let folder = tempfile::tempdir().unwrap();
    let mode = || std::fs::metadata(folder.path()).unwrap().permissions().mode() & 0o777;
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    Blobs::connect(&Place::Folder(folder.path().to_owned())).unwrap();
    assert_eq!(mode(), 0o700);
}

each_place!(an_uploaded_blob_is_downloaded_whole_or_in_part, |home| async |blobs: &Blobs, _: &Home| {
    let stored = upload(blobs, key(1), &[b"hello", b" world"]).await;
    assert_eq!((stored.size, stored.sha256[0]), (11, 0xb9), "the digest of the content");
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
    assert_eq!(upload(blobs, key(1), &chunks).await.size, BIG as u64);
    let whole = blobs.download(key(1), None).await.unwrap().whole().await.unwrap();
    assert!(whole.len() == BIG && whole.iter().all(|byte| *byte == 7));
});

/// Waits until no object and no part is left.
async fn nothing_lies(home: &Home) {
    let is_empty = async {
        while !home.lying().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, is_empty).await.expect("nothing is left");
}

each_place!(who_goes_away_while_it_is_finished_leaves_nothing, |home| async |blobs: &Blobs, home: &Home| {
    for (n, size) in (0..).zip([10, BIG]).flat_map(|(n, size)| (0..8).map(move |polls| (n * 8 + polls, size))) {
        let mut upload = blobs.upload(key(n));
        upload.write(vec![1; size].into()).await.unwrap();
        let mut finishing = Box::pin(upload.finish());
        for _ in 0..n % 8 {
            if futures_util::poll!(&mut finishing).is_ready() {
                blobs.delete(key(n)).await.unwrap();
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    nothing_lies(home).await;
});

each_place!(what_is_not_finished_leaves_nothing, |home| async |blobs: &Blobs, home: &Home| {
    for size in [10, BIG] {
        let mut upload = blobs.upload(key(1));
        upload.write(vec![1; size].into()).await.unwrap();
        drop(upload);
    }
    nothing_lies(home).await;
    assert!(matches!(blobs.download(key(1), None).await, Err(BlobError::NotFound)));
});

each_place!(all_are_listed_and_removed_once_or_twice, |home| async |blobs: &Blobs, home: &Home| {
    let thumb = BlobKey::thumb(key(1).id);
    for key in [key(1), thumb, key(2)] {
        upload(blobs, key, &[b"x"]).await;
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
async fn parts_left_by_a_killed_process_are_removed() {
    let home = Home::folder();
    upload(&home.blobs, key(1), &[b"whole"]).await;
    let part = home.path().join(format!("01/{}#1", key(1).id));
    std::fs::write(&part, b"a part").unwrap();
    let made_at = key(1).made_at().unwrap();
    assert_eq!(home.blobs.sweep_parts(made_at).await.unwrap(), 0, "the upload may be under way");
    assert_eq!(home.blobs.sweep_parts(made_at + 1).await.unwrap(), 1);
    assert_eq!(home.lying(), [key(1).id.to_string()]);
}

#[tokio::test]
async fn a_silent_bucket_times_out() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Some(format!("http://{}", silent.local_addr().unwrap()));
    let (_bucket, settings) = bucket::Bucket::serve().await;
    let blobs = Blobs::connect(&Place::S3(S3 { endpoint, ..settings })).unwrap();
    let (download, delete) = tokio::join!(blobs.download(key(1), None), blobs.delete(key(1)));
    assert!(matches!(download.map(drop), Err(BlobError::Silent(_))));
    assert!(matches!(delete, Err(BlobError::Silent(_))));
}
