"""A check beside Schemathesis' own: what a schema says is right is refused for a reason that no schema can say. And what
is not asked, since Schemathesis' own check would judge it wrongly."""

import json

import schemathesis

# The codes of faults, or of a field's, that depend on more than the form of a request, and on what.
UNSAID = {
    "ambiguous": "of some fields only one can be given",
    "contradicts": "two fields may not say different things",
    "control_character": "Unicode says which characters do not show",
    "empty": "something in a text must show",
    "in_the_past": "the hour",
    "kicks_oneself": "who asks",
    "not_found": "what there is",
    "not_member": "who is a member",
    "one_other": "the type of the conversation, and who asks",
    "oneself": "who asks",
    "own_words": "the person's other fields",
    "too_common": "a list of passwords",
    "too_short": "a password is counted in NFKC",
    "too_long": "texts are counted in NFC, and in bytes of UTF-8, too",
    "too_many_people": "each is counted once",
    "userId:required": "one of three fields must be given",
    "content:required": "of a story, content or mediaUrl must be given",
    "after:malformed": "it is the `next` of an earlier page",
    "since:malformed": "it is a cursor of this server",
    "emoji:malformed": "Unicode says which texts are emoji",
    "email:malformed": "IDNA says which names hosts can have",
    "avatarUrl:malformed": "the hosts to which links may lead",
    "fileUrl:malformed": "the hosts to which links may lead",
    "mediaUrl:malformed": "the hosts to which links may lead",
    "thumbUrl:malformed": "the hosts to which links may lead",
}
# The same at one route, whatever the field is called.
UNSAID_AT = {
    # The document leaves the schema of a form open, as a part that has a filename is a file under any name.
    "POST /files": {"unknown_field": "whether a part has a filename"},
}
# `negative_data_rejection` wants headers refused here that the document does not name. HTTP has them passed over (RFC 9110,
# 5.1), as all routes do and as the check allows where it sees that the other headers are right. It does not see it of
# `X-ChatChit-Position`, a number that it reads back as the text that was sent. Only these routes are asked so: they have
# this header and others, and Schemathesis combines several, with one that is not known.
PASS_OVER_HEADERS = ("GET /files/{id}", "GET /files/{id}/thumb")


@schemathesis.hook
def filter_case(context, case):
    """Whether to ask this: all but headers that the document does not name, at the routes above. Other faults are asked."""
    if case.operation.label not in PASS_OVER_HEADERS or case.meta is None or case.meta.generation.mode.is_positive:
        return True
    return all(name in case.operation.headers for name in case.headers or {})


@schemathesis.check
def refused_for_what_no_schema_says(ctx, response, case):
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code != 422:
        return
    # A link that leads on from a null of an answer: Schemathesis writes it into the path as a word.
    if any(value in (None, "None") for value in (case.path_parameters or {}).values()):
        return
    for error in json.loads(response.content).get("errors", []):
        field, code = error["field"].split(".")[-1], error["code"]
        unsaid = UNSAID | UNSAID_AT.get(case.operation.label, {})
        if code not in unsaid and f"{field}:{code}" not in unsaid:
            raise AssertionError(f"the document does not say that {error['field']}: {error['detail']} ({code})")
