"""What a device holds: the pages of a snapshot, then operations on top, each applied if it is newer than what is there."""

from collections import defaultdict

from recording import MESSAGES, REACTIONS, UNSENDS, body


def newer(known, news):
    """The one of two states, each with its version first, that holds."""
    return news if news[0] >= known[0] else known


class Message:
    """One message with what happened to it since."""

    def __init__(self, message):
        self.body = body(message)
        self.unsent = "unsent" in message
        reactions = message.get("reactions", ())
        self.reactions = {one["account"]: (one["version"], one["emoji"]) for one in reactions}

    def says(self):
        return self.body, self.unsent, {who: emoji for who, (_, emoji) in self.reactions.items() if emoji}


class Chat:
    """One chat: its name, who is in it, and how the account itself stands to it."""

    def __init__(self):
        self.kind = None
        self.title = (0, None, None)
        self.members = {}
        self.standing = (0, None)
        self.mark = (0, 0, 0)

    def take_state(self, state):
        self.kind = state["kind"]
        self.title = newer(self.title, (state["version"], state["name"], state["join"]))
        for member in state["members"]:
            self.take_member(member)

    def take_member(self, member):
        known = self.members.get(member["account"], (0, None))
        self.members[member["account"]] = newer(known, (member["version"], member["membership"]))

    def take_standing(self, standing):
        self.standing = newer(self.standing, (standing["version"], standing["membership"]))
        self.mark = tuple(map(max, self.mark, (standing["n"], standing["read"], standing["read_n"])))

    def joined(self):
        return {who for who, (_, membership) in self.members.items() if membership == "joined"}

    def says(self):
        people = {who: membership for who, (_, membership) in self.members.items() if membership != "gone"}
        return self.title[1:], people, self.standing[1], self.mark


class Copy:
    """All of it."""

    def __init__(self):
        self.position = (None, None, None)
        self.messages = defaultdict(dict)
        self.complete_from = {}
        self.chats = defaultdict(Chat)
        self.rest = {"profile": [], "settings": [], "contacts": []}
        self.not_understood = set()

    def take_page(self, page):
        category = page["category"]
        if category == "messages":
            for item in page["items"]:
                self.complete_from[item["chat"]] = item["complete_from"]
                for message in item["messages"]:
                    self.messages[item["chat"]][message["seq"]] = Message(message)
        elif category == "chats":
            for item in page["items"]:
                chat = self.chats[item["chat"]]
                chat.take_state(item)
                chat.take_standing(item["standing"])
        else:
            self.rest[category].extend(page["items"])

    def take_operation(self, operation):
        kind, payload = operation["type"], operation["payload"]
        if kind in MESSAGES:
            self.take_message(kind, payload)
        elif kind in UNSENDS:
            message = self.messages[payload["chat"]].get(payload["seq"])
            if message:
                message.body, message.unsent, message.reactions = (*message.body[:2], None), True, {}
        elif kind in REACTIONS:
            message = self.messages[payload["chat"]].get(payload["seq"])
            if message and not message.unsent:
                known = message.reactions.get(payload["account"], (0, None))
                news = (payload["version"], payload.get("emoji"))
                message.reactions[payload["account"]] = newer(known, news)
        elif kind == "SEND_CHAT_CHECKED":
            chat = self.chats[payload["chat"]]
            n, read, read_n = chat.mark
            chat.mark = (n, max(read, payload["seq"]), max(read_n, payload["read_n"]))
        elif "by" in payload:
            self.take_change(payload)
        elif kind != "NOTIFIED_READ_MESSAGE":
            # Recordings hold what people do in chats; of anything else only the log is judged, not the copy.
            self.not_understood.add(kind)

    def take_message(self, kind, payload):
        message = payload["message"]
        chat, seq = message["chat"], message["seq"]
        known = self.chats[chat]
        if kind == "RECEIVE_MESSAGE":
            n, read, read_n = known.mark
            read_n = max(read_n, payload["n"]) if seq <= read else read_n
            known.mark = (max(n, payload["n"]), read, read_n)
        if seq >= self.complete_from.get(chat, 0):
            self.messages[chat].setdefault(seq, Message(message))

    def take_change(self, payload):
        name = payload["chat"]
        chat = self.chats[name]
        if "state" in payload:
            chat.take_state(payload["state"])
        for member in payload.get("members", ()):
            chat.take_member(member)
        if "title" in payload:
            news = (payload["seq"], payload["title"]["name"], payload["title"]["join"])
            chat.title = newer(chat.title, news)
        standing = payload.get("standing")
        if not standing:
            return
        before = chat.standing[1]
        chat.take_standing(standing)
        if chat.standing[1] == "gone":
            # What one may not see any more goes, whoever comes back begins anew.
            del self.chats[name]
            self.messages.pop(name, None)
            self.complete_from.pop(name, None)
        elif chat.standing[1] == "joined" and before != "joined":
            self.complete_from.setdefault(name, standing["version"])

    def differences(self, fresh):
        """Where it differs from what a device with nothing is given, in words."""
        if self.position != fresh.position:
            yield f"stands at {self.position}, the end is {fresh.position}"
        if self.not_understood:
            return
        if self.rest != fresh.rest:
            yield f"{self.rest}, fresh {fresh.rest}"
        for name in self.chats.keys() | fresh.chats.keys():
            # A 1:1 chat has no event that tells of its two people: its mark alone is compared.
            direct = name in fresh.chats and fresh.chats[name].kind == "direct"
            mine, theirs = (
                (side.chats[name].mark if direct else side.chats[name].says()) if name in side.chats else None
                for side in (self, fresh)
            )
            if mine != theirs:
                yield f"{name} is {mine}, fresh {theirs}"
        for name in self.messages.keys() | fresh.messages.keys():
            since = max(self.complete_from.get(name, 0), fresh.complete_from.get(name, 0))
            mine, theirs = (
                {seq: message.says() for seq, message in side.messages.get(name, {}).items() if seq >= since}
                for side in (self, fresh)
            )
            if mine != theirs:
                yield f"{name} from {since}: {mine}, fresh {theirs}"
