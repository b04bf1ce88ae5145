//! Given/when/then for each branch of each command.

use super::*;
use crate::{
    MessageId, Personal, Refusal, RefusalKind,
    message::{MessageContent, MessageType},
    testing::{ANA, BOB, CLEO, EVE, ROOM, given, state},
    text::{MessageBody, Reason, RejectedReason},
};
use uuid::Uuid;

fn complaint() -> Complaint {
    Complaint {
        reporter: ANA,
        target: Target::Message { message: MessageId(Uuid::from_u128(20)), conversation: ROOM },
        accused: BOB,
        version: 3,
        statement: Statement { reason: Reason::parse("spam").unwrap(), notes: None },
        evidence: Evidence::Message {
            message_type: MessageType::Text,
            content: MessageContent { body: MessageBody::parse("buy this").unwrap(), attachments: vec![] },
        },
        digest: "ab".repeat(32),
    }
}

fn filed() -> ReportEvent {
    let Complaint { reporter, target, accused, version, statement, evidence, digest } = complaint();
    let (statement, evidence) = (Personal::new(reporter, statement), Personal::new(accused, evidence));
    ReportEvent::Filed { reporter, target, accused, version, statement, evidence, digest }
}

fn resolved() -> ReportEvent {
    ReportEvent::Resolved { reporter: ANA, by: EVE }
}

fn rejected(reason: Option<&str>) -> ReportEvent {
    let reason = reason.map(|reason| Personal::new(EVE, RejectedReason::parse(reason).unwrap()));
    ReportEvent::Rejected { reporter: ANA, by: EVE, reason }
}

fn reject(reason: Option<&str>) -> ReportCommand {
    ReportCommand::Reject { by: EVE, reason: reason.map(|reason| RejectedReason::parse(reason).unwrap()) }
}

#[test]
fn it_is_made_once_and_never_of_oneself() {
    given::<Report>([]).when(ReportCommand::File(complaint())).then_expect_events(vec![filed()]);
    given::<Report>([filed()]).when(ReportCommand::File(complaint())).then_expect_error(ReportError::AlreadyFiled);
    let own = Complaint { accused: ANA, ..complaint() };
    given::<Report>([]).when(ReportCommand::File(own)).then_expect_error(ReportError::ReportsOneself);
    let report = state::<Report>([filed()]);
    assert!(report.is_pending());
    let now = report.filed().unwrap();
    assert_eq!(now.evidence, Some(complaint().evidence));
    assert_eq!(
        (now.target.kind(), now.target.id(), now.target.conversation()),
        ("message", Uuid::from_u128(20), Some(ROOM))
    );
}

#[test]
fn it_is_decided_once() {
    let resolve = ReportCommand::Resolve { by: EVE };
    given::<Report>([]).when(resolve.clone()).then_expect_error(ReportError::NotFound);
    given::<Report>([]).when(reject(None)).then_expect_error(ReportError::NotFound);
    given::<Report>([filed()]).when(resolve.clone()).then_expect_events(vec![resolved()]);
    given::<Report>([filed()]).when(reject(Some("no"))).then_expect_events(vec![rejected(Some("no"))]);
    given::<Report>([filed()]).when(reject(None)).then_expect_events(vec![rejected(None)]);
    given::<Report>([filed(), resolved()]).when(resolve.clone()).then_expect_events(vec![]);
    given::<Report>([filed(), rejected(Some("no"))]).when(reject(Some("no"))).then_expect_events(vec![]);
    given::<Report>([filed(), rejected(None)]).when(reject(None)).then_expect_events(vec![]);
    for (first, then) in [(None, Some("no")), (Some("no"), None), (Some("no"), Some("other"))] {
        given::<Report>([filed(), rejected(first)]).when(reject(then)).then_expect_error(ReportError::Decided);
    }
    given::<Report>([filed(), resolved()]).when(reject(None)).then_expect_error(ReportError::Decided);
    given::<Report>([filed(), rejected(None)]).when(resolve).then_expect_error(ReportError::Decided);
    let report = state::<Report>([filed(), rejected(Some("no"))]);
    assert_eq!((report.status(), report.is_pending()), (ReportStatus::Rejected, false));
    assert_eq!(report.rejected_reason().unwrap().as_str(), "no");
    assert_eq!(state::<Report>([filed(), resolved()]).status().as_str(), "RESOLVED");
}

#[test]
fn the_parties_of_a_report_do_not_decide_on_it() {
    given::<Report>([filed()]).when(ReportCommand::Resolve { by: BOB }).then_expect_error(ReportError::OwnCase);
    let reject = ReportCommand::Reject { by: BOB, reason: None };
    given::<Report>([filed()]).when(reject).then_expect_error(ReportError::OwnCase);
    let by_another = ReportEvent::Resolved { reporter: ANA, by: CLEO };
    given::<Report>([filed()]).when(ReportCommand::Resolve { by: CLEO }).then_expect_events(vec![by_another]);
}

#[test]
fn erasure_leaves_digest_and_decision() {
    let ReportEvent::Filed { reporter, target, accused, version, digest, .. } = filed() else { unreachable!() };
    let (statement, evidence) = (Personal::forgotten(reporter), Personal::forgotten(accused));
    let forgotten = ReportEvent::Filed { reporter, target, accused, version, statement, evidence, digest };
    let report = state::<Report>([forgotten, resolved()]);
    let now = report.filed().unwrap();
    assert_eq!((&now.statement, &now.evidence, now.digest.len()), (&None, &None, 64));
    assert_eq!(report.status(), ReportStatus::Resolved);
}

#[test]
fn each_refusal_has_its_word() {
    for (refusal, code, kind) in [
        (ReportError::NotFound, "not_found", RefusalKind::NotFound),
        (ReportError::AlreadyFiled, "already_filed", RefusalKind::Conflict),
        (ReportError::ReportsOneself, "reports_oneself", RefusalKind::Invalid),
        (ReportError::Decided, "report_decided", RefusalKind::Conflict),
        (ReportError::OwnCase, "own_case", RefusalKind::Forbidden),
    ] {
        assert_eq!((refusal.code(), refusal.kind()), (code, kind));
    }
}
