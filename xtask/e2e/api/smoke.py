"""Every family of routes, through the generated client of Python."""

import os
import sys
import uuid
from datetime import datetime, timedelta, timezone

sys.path.insert(0, "client/python")
import chatchit  # noqa: E402
from chatchit.exceptions import ConflictException, UnprocessableEntityException  # noqa: E402

PASSWORD = "correct horse"


class Client(chatchit.ApiClient):
    """Its reads show what any of them wrote before."""

    position = 0

    def call_api(self, method, url, header_params=None, *more, **named):
        if method == "GET" and Client.position:
            header_params = (header_params or {}) | {"X-ChatChit-Position": str(Client.position)}
        response = super().call_api(method, url, header_params, *more, **named)
        Client.position = max(Client.position, int(response.getheader("x-chatchit-position") or 0))
        return response


class Person:
    """Somebody, and their API of each family."""

    def __init__(self, name=None, token=None):
        self.client = Client(chatchit.Configuration(host=os.environ["DOOR_A"], access_token=token))
        if name:
            email = f"{name}-{uuid.uuid4().hex[:12]}@test.example"
            profile = chatchit.Registration(email=email, password=PASSWORD, firstName=name, lastName="Test")
            self.signed_in = self.api("Auth").register(profile)
            self.id = self.signed_in.user.id
            self.client.configuration.access_token = self.signed_in.access_token

    def api(self, family):
        return getattr(chatchit, f"{family}Api")(self.client)


def main():
    ana, ben = Person("ana"), Person("ben")
    root = Person(token=os.environ["ADMIN_TOKEN"])

    tokens = ana.api("Auth").refresh_tokens(chatchit.Renewal(refreshToken=ana.signed_in.refresh_token))
    ana.client.configuration.access_token = tokens.access_token
    assert [session.current for session in ana.api("Auth").list_sessions().items] == [True]

    updated = ana.api("Users").update_me(chatchit.ProfileUpdate(firstName="Anna", preferences={"theme": ["dark", 1]}))
    assert updated.first_name == "Anna" and updated.preferences == {"theme": ["dark", 1]} and updated.phone is None
    assert ben.api("Users").get_user(ana.id).first_name == "Anna"
    assert ana.api("Users").export_me().profile.id == ana.id

    assert ana.api("Friends").request_friendship(chatchit.MemberChange(userId=ben.id)).direction == "out"
    assert ben.api("Friends").list_friend_requests(direction="in").items[0].user.id == ana.id
    assert ben.api("Friends").accept_friend_request(ana.id).status == "accepted"

    conversations, messages = ana.api("Conversations"), ana.api("Messages")
    group = conversations.create_conversation(chatchit.NewConversation(type="group", title="A", members=[ben.id]))
    assert (group.type, group.my_role, group.last_message, group.joining) == ("group", "lead", None, "invite")
    assert conversations.update_conversation(group.id, chatchit.SettingsUpdate(title=None)).title is None
    assert len(conversations.list_members(group.id, status="active").items) == 2
    assert conversations.mute_conversation(group.id, silence=chatchit.Silence()).muted

    invite = ana.api("Invites").create_invite(group.id, new_invite=chatchit.NewInvite(maxUses=2))
    cora = Person("cora")
    assert cora.api("Invites").accept_invite(invite.code).my_status == "active"

    guid = str(uuid.uuid4())
    new = chatchit.NewMessage(guid=guid, content="hello", messageType="TEXT", mentions=[ben.id])
    sent = messages.send_message(group.id, new, idempotency_key="a key")
    assert str(sent.id) == guid and sent.status == "SENT" and sent.edited_at is None
    assert messages.send_message(group.id, new, idempotency_key="a key").id == sent.id
    for up_to in [sent.seq, str(sent.id)]:
        marked = ben.api("Messages").mark_read(group.id, chatchit.MarkedUpTo(upTo=chatchit.UpTo(up_to)))
        assert marked.read_seq == sent.seq
    assert ben.api("Messages").mark_delivered(group.id, chatchit.MarkedUpTo(upTo=chatchit.UpTo(sent.seq)))
    assert ben.api("Messages").add_reaction(sent.id, "👍").reactions[0].count == 1
    assert messages.edit_message(sent.id, chatchit.EditedMessage(content="hello there")).edited_at
    assert messages.search_messages(q="hello").items[0].id == sent.id
    page = messages.list_messages(group.id, limit=1)
    assert len(page.items) == 1 and messages.list_receipts(sent.id).items is not None
    messages.delete_message(sent.id, var_for="everyone")
    assert messages.get_message(sent.id).content is None

    calls = ana.api("Calls")
    assert calls.get_ice_servers().ice_servers is not None and calls.list_calls(group.id).items == []
    try:
        calls.initiate_call(chatchit.NewCall(conversationId=group.id, callType="VIDEO", signalData=[1, "two", None]))
        raise AssertionError("nobody is there to be called")
    except ConflictException as refused:
        problem = chatchit.Problem.from_json(refused.body)
        assert problem.code == "user_not_online" and problem.request_id

    files = ana.api("Files")
    stored = files.upload_files(file=[("a note.txt", b"some text")])
    assert stored.actual_instance.size == 9
    assert files.get_file(stored.actual_instance.id) == b"some text"
    links = files.create_file_links(chatchit.WantedLinks(ids=[stored.actual_instance.id]))
    assert links.items[0].thumb_url is None

    stories = ana.api("Stories")
    story = stories.post_story(chatchit.NewStory(content="a story", audience=chatchit.NewAudience([ben.id])))
    assert ben.api("Stories").like_story(story.id).like_count == 1
    assert ben.api("Stories").create_comment(story.id, chatchit.NewComment(content="oh")).author.id == ben.id
    assert stories.list_stories().items[0].comment_count == 1
    stories.delete_story(story.id)

    until = datetime.now(timezone.utc) + timedelta(hours=1)
    chosen = ana.api("Presence").set_presence(chatchit.NewPresence(status="busy", text="at work", until=until))
    assert chosen.chosen == "busy"
    assert ana.api("Presence").get_presence(user_ids=[ben.id]).items[0].user_id == ben.id

    missed = ana.api("Sync").sync(since=ana.api("Sync").sync().cursor)
    assert missed.recovered and missed.events == []

    report = ana.api("Reports").create_report(chatchit.NewReport(userId=ben.id, reason="spam"))
    assert report.status == "PENDING" and ana.api("Reports").list_my_reports().items[0].id == report.id

    admin, audit = root.api("Admin"), root.api("Audit")
    decided = admin.decide_report(report.id, chatchit.NewVerdict(status="REJECTED", rejectedReason="no"))
    assert decided.status == "REJECTED" and admin.get_dashboard().accounts.total >= 3
    assert admin.list_accounts(query="cora").items and admin.list_projections().items
    event = audit.list_audit_events(limit=1).items[0]
    assert audit.get_audit_event(event.position).event.type == event.type
    assert audit.get_signed_head().position >= event.position and audit.verify_log().ok

    assert root.api("Monitoring").get_readiness().status in ("ok", "degraded")
    assert root.api("Monitoring").get_queue_stats().engine and root.api("Monitoring").get_cache_stats().engine
    assert root.api("Documents").get_open_api()["openapi"].startswith("3.1")

    try:
        ana.api("Conversations").list_conversations(limit=50, after="nonsense")
        raise AssertionError("that is no page")
    except UnprocessableEntityException as refused:
        assert chatchit.Problem.from_json(refused.body).errors
    ana.api("Auth").logout()
    print("the client of Python went through every family of routes")


if __name__ == "__main__":
    main()
