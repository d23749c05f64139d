"""What a recording holds, read from its form alone: lines, messages, and the events that operations tell of."""

import json

MESSAGES = ("SEND_MESSAGE", "RECEIVE_MESSAGE")
UNSENDS = ("UNSEND_MESSAGE", "NOTIFIED_UNSEND_MESSAGE")
REACTIONS = ("SEND_REACTION", "NOTIFIED_SEND_REACTION")


def lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def place(position):
    """A position as a tuple that can be compared for equality."""
    position = position or {}
    return position.get("log_id"), position.get("revision"), position.get("tag")


def body(message):
    """What a message says, and who says it: what must never differ. One that was taken back says nothing."""
    content = message.get("content") or {}
    return message["sender"], message["sent_at"], content.get("text")


def agree(one, other):
    """Whether two bodies can be of one message: a log shows one that was taken back without its text."""
    return one[:2] == other[:2] and (one[2] == other[2] or None in (one[2], other[2]))


def unblanked(operation):
    """An operation without what is blanked once its message was taken back."""
    if operation["type"] not in MESSAGES:
        return operation
    gone = ("content", "reply_to", "mentions", "reactions", "unsent")
    message = {name: value for name, value in operation["payload"]["message"].items() if name not in gone}
    return {**operation, "payload": {**operation["payload"], "message": message}}


class Event:
    """What an operation says happened in a chat: each event took the next seq there."""

    def __init__(self, chat, seq, kind, says):
        self.chat, self.seq, self.kind, self.says = chat, seq, kind, says

    @staticmethod
    def of(operation):
        """None for read marks, contacts and the like."""
        kind, payload = operation["type"], operation["payload"]
        if kind in MESSAGES:
            message = payload["message"]
            return Event(message["chat"], message["seq"], "message", body(message))
        if kind in UNSENDS:
            return Event(payload["chat"], payload["version"], "unsend", payload["seq"])
        if kind in REACTIONS:
            says = (payload["seq"], payload["account"], payload.get("emoji"))
            return Event(payload["chat"], payload["version"], "reaction", says)
        if "by" in payload:
            members = sorted((member["account"], member["membership"]) for member in payload.get("members", ()))
            title = payload.get("title") or {}
            says = (payload["by"], tuple(members), title.get("name"), title.get("join"))
            return Event(payload["chat"], payload["seq"], "change", says)
        return None

    def agrees(self, other):
        """Whether both can be the same event."""
        if self.kind != other.kind:
            return False
        return agree(self.says, other.says) if self.kind == "message" else self.says == other.says

    def target(self):
        """The message that it is about, if it is about one."""
        if self.kind == "unsend":
            return self.says
        return self.says[0] if self.kind == "reaction" else None
