#!/usr/bin/env python3
"""A second judge of recordings of 1:1 chats, written from their form alone; it shares no code with anything.

usage: judge.py RECORDING

A recording is a directory. devices/*.ndjson holds what each device received: its name first, then `open`, `frame`, `page`
and `stored` lines. sends.ndjson holds every send with the answer that settled it. fresh/*.ndjson holds, for each account,
what a device with nothing was given at the end, and the whole history of every chat.

Prints one JSON object: `counts` of violations by guarantee, the `first` of them in words, and how much was `looked_at`.
Exit code 0: nothing was broken; 1: something was; 2: the recording cannot be read.
"""

import json
import pathlib
import sys
from collections import Counter, defaultdict

KEPT = 20
MESSAGES = ("SEND_MESSAGE", "RECEIVE_MESSAGE")


class Verdict:
    """What was found so far."""

    def __init__(self):
        self.counts = Counter()
        self.first = []
        self.looked_at = Counter()

    def broken(self, guarantee, words):
        self.counts[guarantee] += 1
        if len(self.first) < KEPT:
            self.first.append(f"{guarantee}: {words}")

    def to_json(self):
        return json.dumps({"counts": self.counts, "first": self.first, "looked_at": self.looked_at})


def lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def place(position):
    """A position as a tuple that can be compared for equality."""
    position = position or {}
    return position.get("log_id"), position.get("revision"), position.get("tag")


def body(message):
    """What a message says, and who says it: what must never differ."""
    content = message.get("content") or {}
    return message["sender"], message["sent_at"], content.get("text")


class Copy:
    """What a device holds: pages of a snapshot, then operations on top."""

    def __init__(self):
        self.position = (None, None, None)
        self.messages = defaultdict(dict)
        self.complete_from = {}
        self.marks = {}
        self.rest = {"profile": [], "settings": [], "contacts": []}
        self.not_understood = set()

    def take_page(self, page):
        category = page["category"]
        if category == "messages":
            for item in page["items"]:
                self.complete_from[item["chat"]] = item["complete_from"]
                for message in item["messages"]:
                    self.messages[item["chat"]][message["seq"]] = body(message)
        elif category == "chats":
            for item in page["items"]:
                standing = item["standing"]
                self.marks[item["chat"]] = (standing["n"], standing["read"], standing["read_n"])
        else:
            self.rest[category].extend(page["items"])

    def take_operation(self, operation):
        payload = operation["payload"]
        if operation["type"] not in MESSAGES:
            # Replays send messages; of anything else only the log is judged, not the copy.
            self.not_understood.add(operation["type"])
            return
        message = payload["message"]
        chat, seq = message["chat"], message["seq"]
        n, read, read_n = self.marks.get(chat, (0, 0, 0))
        if operation["type"] == "RECEIVE_MESSAGE":
            n = max(n, payload["n"])
            if seq <= read:
                read_n = max(read_n, payload["n"])
        self.marks[chat] = (n, read, read_n)
        if seq >= self.complete_from.get(chat, 0):
            self.messages[chat].setdefault(seq, body(message))


class Log:
    """One account's log, as all of its devices together received it."""

    def __init__(self):
        self.operations = {}
        self.heads = Counter()

    def see(self, log_id, revision):
        self.heads[log_id] = max(self.heads[log_id], revision)


class Ending:
    """How an account stands at the end."""

    def __init__(self, recorded):
        self.copy = Copy()
        self.history = {}
        for line in recorded:
            if line["what"] == "page":
                self.copy.take_page(line["page"])
            elif line["what"] == "stored":
                self.copy.position = place(line["position"])
            elif line["what"] == "history":
                chat = line["page"]["chat"]
                for message in line["page"]["messages"]:
                    self.history[chat, message["seq"]] = body(message)
        self.times = Counter(said for _, _, said in self.history.values())


class Judge:
    """Reads a recording once, then asks every guarantee."""

    def __init__(self, directory):
        self.verdict = Verdict()
        self.logs = defaultdict(Log)
        self.copies = []
        self.sends = lines(directory / "sends.ndjson")
        self.endings = {
            path.stem: Ending(lines(path)) for path in sorted((directory / "fresh").glob("*.ndjson"))
        }
        for path in sorted((directory / "devices").glob("*.ndjson")):
            first, *rest = lines(path)
            self.verdict.looked_at["devices"] += 1
            self.follow(first["account"], first["device"], rest)

    def run(self):
        self.judge_sends()
        self.judge_logs()
        self.judge_copies()
        self.verdict.looked_at["messages"] = sum(len(ending.history) for ending in self.endings.values())
        return self.verdict

    def follow(self, account, device, recorded):
        """Walks through what a device received: H1, H2, H5, H7, and what a server said it has lost."""
        copy, pages, seqs = Copy(), [], {}
        for line in recorded:
            if line["what"] == "page":
                pages.append(line["page"])
            elif line["what"] == "stored":
                copy = self.jump(device, copy, pages, place(line["position"]))
                pages = []
            elif line["what"] == "frame":
                frame = line["frame"]
                if frame["frame"] == "full_sync":
                    pages = []
                    self.asked_to_jump(device, frame)
                self.note_heads(account, frame)
                if frame["frame"] == "operations":
                    self.take_operations(account, device, copy, seqs, frame)
        self.copies.append((account, device, copy))

    def jump(self, device, copy, pages, position):
        """A FullSync was stored: the copy is what its pages say."""
        self.verdict.looked_at["full_syncs"] += 1
        log_id, revision, _ = copy.position
        if log_id == position[0] and position[1] < revision:
            self.verdict.broken("H1", f"{device} jumped back in {log_id} from {revision} to {position[1]}")
        fresh = Copy()
        for page in pages:
            fresh.take_page(page)
        fresh.position = position
        return fresh

    def asked_to_jump(self, device, frame):
        if frame["reason"] == "hole":
            self.verdict.broken("H7", f"{device} was told of a hole")
        elif frame["reason"] == "continuity":
            self.verdict.broken("H6", f"{device} was told that the server does not know its history")

    def note_heads(self, account, frame):
        head = frame.get("head")
        if head:
            self.logs[account].see(head["log_id"], head["revision"])

    def take_operations(self, account, device, copy, seqs, frame):
        log = self.logs[account]
        for operation in frame["operations"]:
            self.verdict.looked_at["operations"] += 1
            log_id, revision = frame["log_id"], operation["revision"]
            if copy.position[:2] != (log_id, revision - 1):
                self.verdict.broken("H1", f"{device} received {revision} of {log_id} after {copy.position}")
            log.see(log_id, revision)
            known = log.operations.setdefault((log_id, revision), operation)
            if known != operation:
                self.verdict.broken("H2", f"{account}: {known} and {operation} are both {revision} of {log_id}")
            if operation["type"] in MESSAGES:
                message = operation["payload"]["message"]
                chat, seq = message["chat"], message["seq"]
                if seq <= seqs.get(chat, 0):
                    self.verdict.broken("H5", f"{device}: seq {seq} of {chat} after {seqs[chat]}")
                seqs[chat] = seq
            copy.take_operation(operation)
            copy.position = (log_id, revision, operation["tag"])

    def judge_sends(self):
        """H3 and H4: what became of every send."""
        named = {}
        for send in self.sends:
            said, answer = send["request"]["message"]["text"], send["answer"] or {}
            acknowledged = send["status"] == 200
            self.verdict.looked_at["acknowledged" if acknowledged else "unanswered"] += 1
            for party in (send["account"], send["request"]["to"]):
                ending = self.endings.get(party)
                if ending is None:
                    self.verdict.broken("H3", f"there is no ending of {party}")
                    continue
                if ending.times[said] > 1:
                    self.verdict.broken("H3", f"{said!r} stands {ending.times[said]} times with {party}")
                if acknowledged:
                    self.arrived(send, party, ending, answer)
            if acknowledged:
                self.name(named, send["account"], send["key"], (answer["chat"], answer["seq"]))
        for account, log in self.logs.items():
            for operation in log.operations.values():
                if operation["type"] == "SEND_MESSAGE" and operation["payload"].get("key"):
                    message = operation["payload"]["message"]
                    self.name(named, account, operation["payload"]["key"], (message["chat"], message["seq"]))

    def arrived(self, send, party, ending, answer):
        said = send["request"]["message"]["text"]
        found = ending.history.get((answer["chat"], answer["seq"]))
        if found is None or (found[0], found[2]) != (send["account"], said):
            self.verdict.broken("H3", f"{said!r} was acknowledged as {answer}, with {party} is {found}")

    def name(self, named, account, key, where):
        if named.setdefault((account, key), where) != where:
            self.verdict.broken("H4", f"{key} of {account} names {named[account, key]} and {where}")

    def judge_logs(self):
        """H3 and H6: no message twice in a log; what was seen is there at the end."""
        for account, log in self.logs.items():
            ending = self.endings.get(account)
            if ending is None:
                self.verdict.broken("H6", f"there is no ending of {account}")
                continue
            log_id, end, _ = ending.copy.position
            if log.heads[log_id] > end:
                self.verdict.broken("H6", f"{account}: {log.heads[log_id]} of {log_id} was seen, it ends at {end}")
            once = set()
            for (log_id, revision), operation in sorted(log.operations.items()):
                if operation["type"] not in MESSAGES:
                    continue
                message = operation["payload"]["message"]
                where = message["chat"], message["seq"]
                if (log_id, where) in once:
                    self.verdict.broken("H3", f"{account}: {where} again at {revision} of {log_id}")
                once.add((log_id, where))
                if ending.history.get(where) != body(message):
                    self.verdict.broken("H6", f"{account}: {message} was pushed, kept is {ending.history.get(where)}")

    def judge_copies(self):
        """H8: what a device made of its frames is what a device with nothing is given; and H3 once more, by device."""
        expected = defaultdict(list)
        for send in self.sends:
            if send["status"] == 200:
                for party in (send["account"], send["request"]["to"]):
                    expected[party].append((send["answer"]["chat"], send["answer"]["seq"]))
        for account, device, copy in self.copies:
            self.verdict.looked_at["copies"] += 1
            ending = self.endings.get(account)
            if ending is None:
                self.verdict.broken("H8", f"there is no ending of {account}")
                continue
            self.compare(device, copy, ending.copy)
            for chat, seq in expected[account]:
                if seq >= copy.complete_from.get(chat, 0) and seq not in copy.messages.get(chat, {}):
                    self.verdict.broken("H3", f"{device} never got the acknowledged {seq} of {chat}")

    def compare(self, device, copy, fresh):
        if copy.position != fresh.position:
            self.verdict.broken("H8", f"{device} stands at {copy.position}, the end is {fresh.position}")
        if copy.not_understood:
            self.verdict.looked_at["copies_not_understood"] += 1
            return
        if copy.rest != fresh.rest:
            self.verdict.broken("H8", f"{device}: {copy.rest}, fresh {fresh.rest}")
        if copy.marks != fresh.marks:
            self.verdict.broken("H8", f"{device}: marks {copy.marks}, fresh {fresh.marks}")
        for chat in copy.messages.keys() | fresh.messages.keys():
            since = max(copy.complete_from.get(chat, 0), fresh.complete_from.get(chat, 0))
            mine, theirs = (
                {seq: said for seq, said in side.messages.get(chat, {}).items() if seq >= since}
                for side in (copy, fresh)
            )
            if mine != theirs:
                self.verdict.broken("H8", f"{device}: {chat} from {since}: {mine}, fresh {theirs}")


def main():
    try:
        verdict = Judge(pathlib.Path(sys.argv[1])).run()
    except (IndexError, OSError, ValueError, KeyError, TypeError) as error:
        print(f"judge.py: {type(error).__name__}: {error}", file=sys.stderr)
        return 2
    print(verdict.to_json())
    return 1 if verdict.counts else 0


if __name__ == "__main__":
    sys.exit(main())
