//! Given/when/then for each branch of each command.

use super::*;
use crate::{
    Personal, Refusal, RefusalKind,
    testing::{ANA, BOB, given, state},
    text::{FileName, MediaType},
};

fn label() -> FileLabel {
    FileLabel { name: FileName::parse("cat.png").unwrap(), sha256: Sha256([7; 32]) }
}

fn upload() -> FileCommand {
    FileCommand::Upload { by: ANA, label: label(), size: 5, mime: MediaType::parse("image/png").unwrap(), thumb: true }
}

fn uploaded() -> FileEvent {
    let mime = MediaType::parse("image/png").unwrap();
    FileEvent::Uploaded { by: ANA, label: Personal::new(ANA, label()), size: 5, mime, thumb: true }
}

const COLLECTED: FileEvent = FileEvent::Collected { by: ANA };
const RESTORED: FileEvent = FileEvent::Restored { by: ANA };
const DELETED: FileEvent = FileEvent::Deleted { by: ANA };

#[test]
fn a_file_is_uploaded_once() {
    given::<File>([]).when(upload()).then_expect_events(vec![uploaded()]);
    for after in [vec![], vec![COLLECTED], vec![DELETED]] {
        let before = std::iter::once(uploaded()).chain(after);
        given::<File>(before).when(upload()).then_expect_error(FileError::AlreadyUploaded);
    }
}

#[test]
fn a_file_that_was_never_uploaded_is_not_found() {
    for command in [FileCommand::Collect, FileCommand::Restore, FileCommand::Delete] {
        given::<File>([]).when(command).then_expect_error(FileError::NotFound);
    }
}

#[test]
fn it_is_collected_restored_and_deleted_once() {
    for (before, command, after) in [
        (vec![], FileCommand::Collect, vec![COLLECTED]),
        (vec![COLLECTED], FileCommand::Collect, vec![]),
        (vec![DELETED], FileCommand::Collect, vec![]),
        (vec![], FileCommand::Restore, vec![]),
        (vec![COLLECTED], FileCommand::Restore, vec![RESTORED]),
        (vec![DELETED], FileCommand::Restore, vec![]),
        (vec![COLLECTED, RESTORED], FileCommand::Collect, vec![COLLECTED]),
        (vec![], FileCommand::Delete, vec![DELETED]),
        (vec![COLLECTED], FileCommand::Delete, vec![DELETED]),
        (vec![COLLECTED, DELETED], FileCommand::Delete, vec![]),
    ] {
        given::<File>(std::iter::once(uploaded()).chain(before)).when(command).then_expect_events(after);
    }
}

#[test]
fn only_its_uploader_may_refer_to_an_uncollected_file() {
    let refused = Err(FileError::NotFound);
    assert_eq!(state::<File>([]).may_be_referenced_by(ANA, false), refused);
    let kept = state::<File>([uploaded()]);
    assert_eq!((kept.may_be_referenced_by(ANA, false), kept.may_be_referenced_by(BOB, false)), (Ok(()), refused));
    assert!(kept.is_stored() && kept.has_thumb() && kept.by() == ANA);
    let collected = state::<File>([uploaded(), COLLECTED]);
    assert!(collected.is_stored() && collected.may_be_referenced_by(ANA, false) == refused);
    assert_eq!(state::<File>([uploaded(), COLLECTED, RESTORED]).may_be_referenced_by(ANA, false), Ok(()));
    let deleted = state::<File>([uploaded(), DELETED]);
    assert!(!deleted.is_stored() && deleted.may_be_referenced_by(ANA, false) == refused);
}

#[test]
fn a_digest_is_written_in_hex() {
    let json = serde_json::to_value(Sha256([0xab; 32])).unwrap();
    assert_eq!(json, "ab".repeat(32));
    assert_eq!(serde_json::from_value::<Sha256>(json).unwrap(), Sha256([0xab; 32]));
    for wrong in ["", "ab", "é", "zz", &"ab".repeat(33)] {
        assert!(Sha256::try_from(wrong.to_owned()).is_err(), "{wrong}");
    }
}

#[test]
fn each_refusal_has_its_word() {
    for (refusal, code, kind) in [
        (FileError::AlreadyUploaded, "already_uploaded", RefusalKind::Conflict),
        (FileError::NotFound, "not_found", RefusalKind::NotFound),
    ] {
        assert_eq!((refusal.code(), refusal.kind(), refusal.field()), (code, kind, None));
    }
}
