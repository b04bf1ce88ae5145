//! The pushes and the signals.

/// Name, summary and data of each push.
pub const EVENTS: [(&str, &str, &str); 39] = [
    ("message.sent", "A message was posted.", "MessagePush"),
    ("message.edited", "Its text was replaced.", "MessagePush"),
    ("message.deleted", "It was removed for everybody.", "MessagePush"),
    ("message.reacted", "Somebody reacted.", "MessagePush"),
    ("message.unreacted", "Somebody took a reaction back.", "MessagePush"),
    ("message.hidden", "You removed it for yourself.", "HiddenMessage"),
    ("receipt.read", "Somebody has read up to a message.", "ReceiptData"),
    ("receipt.delivered", "Messages have reached a device of somebody.", "ReceiptData"),
    ("conversation.created", "A conversation with you was opened.", "ConversationPush"),
    ("conversation.updated", "Title, picture or settings changed.", "ConversationPush"),
    ("conversation.deleted", "It is over for everybody.", "DeletedConversation"),
    ("member.joined", "Somebody became a member by themselves.", "MemberChangePush"),
    ("member.left", "Somebody left, or took a request to join back.", "MemberChangePush"),
    ("member.added", "A member made somebody a member.", "MemberChangePush"),
    ("member.kicked", "A lead removed a member.", "MemberChangePush"),
    ("member.promoted", "A member became a lead.", "MemberChangePush"),
    ("member.demoted", "A lead became a plain member.", "MemberChangePush"),
    ("member.requested", "Somebody asked to join.", "MemberChangePush"),
    ("member.approved", "A lead let somebody in who had asked.", "MemberChangePush"),
    ("member.rejected", "A lead turned somebody down who had asked.", "MemberChangePush"),
    ("friend.requested", "Somebody asked to be friends.", "FriendshipPush"),
    ("friend.accepted", "A request was accepted.", "FriendshipPush"),
    ("friend.rejected", "A request was turned down.", "FriendshipPush"),
    ("friend.cancelled", "A request was taken back.", "FriendshipPush"),
    ("friend.blocked", "You blocked somebody; they are not told.", "FriendshipPush"),
    ("friend.unblocked", "You lifted a block; they are not told.", "FriendshipPush"),
    ("friend.unfriended", "A friendship was ended.", "FriendshipPush"),
    ("call.ringing", "Somebody calls.", "Call"),
    ("call.answered", "Somebody joined: each other device of theirs stops ringing.", "Call"),
    ("call.refused", "Somebody does not want to join; it is over when it rings nobody any more.", "Call"),
    ("call.missed", "Nobody answered in time.", "Call"),
    ("call.left", "Somebody left, and it goes on.", "Call"),
    ("call.closed", "It is over.", "Call"),
    ("account.updated", "Your profile changed.", "UserPush"),
    ("account.blocked", "Your account was stopped from acting; the sockets close.", "UserPush"),
    ("account.role_changed", "An administrator gave you another role.", "UserPush"),
    ("report.filed", "You reported something.", "Report"),
    ("report.resolved", "A moderator has seen to what you reported.", "Report"),
    ("report.rejected", "A moderator found nothing to be done about what you reported.", "Report"),
];

/// Name, summary and data of each signal.
pub const SIGNALS: [(&str, &str, &str); 4] = [
    (
        "typing",
        "Somebody types in a conversation, or has stopped: at most 10 changes at once, and 10 a second, of each \
         conversation and from each process. Whoever goes on is told again every 3 seconds at most.",
        "Typing",
    ),
    (
        "presence",
        "Somebody one sees unasked (a friend, a fellow member of a conversation of at most 32), or whom this socket \
         watches, is here in another way; or oneself, by another device.",
        "Presence",
    ),
    (
        "call.signal",
        "A device in a call tells this one; never shed. `signalData` comes right after its event.",
        "CallSignal",
    ),
    ("custom", "Somebody in a conversation tells something of their own.", "CustomSignal"),
];
