//! Files without metadata, and thumbnails.

use super::{attach, fetched, lying, one, picture, url};
use crate::support::{Server, config};
use config::{Config, FileSettings};
use image::{ImageFormat, RgbImage};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::io::Cursor;
use testkit::{each_engine, each_mix};

/// A JPEG that says where it was taken, and that it is to be turned.
fn noted_jpeg() -> Vec<u8> {
    let mut jpeg = Cursor::new(Vec::new());
    RgbImage::new(80, 40).write_to(&mut jpeg, ImageFormat::Jpeg).unwrap();
    let jpeg = jpeg.into_inner();
    let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec();
    exif.extend_from_slice(PLACE);
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, &exif, &jpeg[2..]].concat()
}

const PLACE: &[u8] = b"48.8584 N 2.2945 E";

each_mix!(pictures_do_not_tell_where_they_were_taken, |home| async move {
    let says = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).any(|window| window == what);
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let pair = server.conversation(&ana, "direct", &[&ben]).await;
    let sent = noted_jpeg();
    let file = one(&server, &ana, "a.jpg", &sent).await;
    attach(&server, &ana, &pair, &file).await.expect(StatusCode::CREATED);
    let (status, headers, kept) = fetched(&server, &ben, Method::GET, url(&file), &[]).await;
    assert_eq!((status, &headers["content-type"]), (200, &"image/jpeg".parse().unwrap()));
    assert!(says(&sent, PLACE) && !says(&kept, PLACE) && says(&kept, b"Exif"), "how it is turned is left");
    assert_eq!(file["size"], json!(kept.len()));
    let thumb = fetched(&server, &ben, Method::GET, file["thumbUrl"].as_str().unwrap(), &[]).await.2;
    let thumb = image::load_from_memory_with_format(&thumb, ImageFormat::Jpeg).unwrap();
    assert_eq!((thumb.width(), thumb.height()), (40, 80));
    assert_eq!(lying(&config(&home).data.join("files")), 2, "what came is gone");
    server.stop().await;

    let files = FileSettings { keep_metadata: true, ..FileSettings::default() };
    let server = Server::start_with(Config { files, ..config(&home) }).await;
    let cyd = server.register("cyd").await;
    let file = one(&server, &cyd, "a.jpg", &sent).await;
    assert!(fetched(&server, &cyd, Method::GET, url(&file), &[]).await.2 == sent);
    server.stop().await;
});

/// A box of an ISO base media file.
fn block(kind: &[u8; 4], content: &[&[u8]]) -> Vec<u8> {
    let content = content.concat();
    let length = u32::try_from(8 + content.len()).unwrap().to_be_bytes();
    [&length[..], kind, &content].concat()
}

each_engine!(what_moves_does_not_tell_where_it_was_taken, |home| async move {
    let says = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).any(|window| window == what);
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let pair = server.conversation(&ana, "direct", &[&ben]).await;
    let plain = picture(8, 4, ImageFormat::Gif);
    let end = plain.len() - 1;
    let comment = [&b"!\xfe"[..], &[u8::try_from(PLACE.len()).unwrap()], PLACE, b"\0"].concat();
    let gif = [&plain[..end], &comment, &plain[end..]].concat();
    let user = block(b"udta", &[&block(b"\xa9xyz", &[PLACE])]);
    let movie = block(b"moov", &[&block(b"mvhd", &[&[0; 100]]), &user]);
    let mp4 = [block(b"ftyp", &[b"isom\0\0\0\0isommp42"]), block(b"mdat", &[b"seen"]), movie].concat();
    let tiff = [picture(8, 4, ImageFormat::Tiff), PLACE.to_vec()].concat();
    for (name, mime, sent) in [("a.gif", "image/gif", gif), ("a.mp4", "video/mp4", mp4), ("a.tif", "image/tiff", tiff)]
    {
        let file = one(&server, &ana, name, &sent).await;
        let message = attach(&server, &ana, &pair, &file).await.expect(StatusCode::CREATED);
        let (status, headers, kept) = fetched(&server, &ben, Method::GET, url(&file), &[]).await;
        assert_eq!((status, &headers["content-type"]), (200, &mime.parse().unwrap()));
        assert!(says(&sent, PLACE) && !says(&kept, PLACE), "{name}");
        let received = &message["attachments"][0];
        assert_eq!((&received["mime"], &received["size"]), (&json!(mime), &json!(kept.len())), "{name}");
        if mime == "image/gif" {
            assert!(kept == plain);
        } else {
            assert_eq!(kept.len(), sent.len(), "what is found by its offset stays where it was");
        }
    }
    server.stop().await;
});

each_engine!(each_kind_of_picture_that_can_be_read_has_a_thumbnail, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    for (format, mime) in [
        (ImageFormat::Png, "image/png"),
        (ImageFormat::Jpeg, "image/jpeg"),
        (ImageFormat::Gif, "image/gif"),
        (ImageFormat::WebP, "image/webp"),
        (ImageFormat::Bmp, "image/bmp"),
        (ImageFormat::Tiff, "image/tiff"),
    ] {
        let file = one(&server, &ana, "a", &picture(640, 320, format)).await;
        assert_eq!(file["mime"], mime);
        let (status, _, thumb) = fetched(&server, &ana, Method::GET, file["thumbUrl"].as_str().expect(mime), &[]).await;
        let thumb = image::load_from_memory_with_format(&thumb, ImageFormat::Jpeg).unwrap();
        assert_eq!((status, thumb.width(), thumb.height()), (200, 320, 160), "{mime}");
    }
    // Nothing of this server reads these.
    let meta = block(b"meta", &[&[0; 4], &block(b"iinf", &[&[0; 6]]), &block(b"iloc", &[&[0; 8]])]);
    for (brand, mime) in [(b"avif", "image/avif"), (b"heic", "image/heif")] {
        let bytes = [block(b"ftyp", &[brand, &[0; 4], brand]), meta.clone(), block(b"mdat", &[b"seen"])].concat();
        let file = one(&server, &ana, "a", &bytes).await;
        assert_eq!((&file["mime"], &file["thumbUrl"]), (&json!(mime), &Value::Null));
        assert!(fetched(&server, &ana, Method::GET, url(&file), &[]).await.2 == bytes);
    }
    server.stop().await;
});
