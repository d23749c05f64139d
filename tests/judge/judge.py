#!/usr/bin/env python3
"""A second judge of recordings, written from their form alone; it shares no code with the one in Rust, or with a client.

usage: judge.py RECORDING

A recording is a directory. devices/*.ndjson holds what each device received: its name first, then `open`, `frame`, `page`
and `stored` lines. sends.ndjson holds every send with the answer that settled it, changes.ndjson (if there is one) every other
change in a chat with its answer. fresh/*.ndjson holds, for each account,
what a device with nothing was given at the end, and the whole history of every chat.

Prints one JSON object: `counts` of violations by guarantee, the `first` of them in words, and how much was `looked_at`.
Exit code 0: nothing was broken; 1: something was; 2: the recording cannot be read.
"""

import json
import pathlib
import sys
from collections import Counter, defaultdict

# A test leaves nothing beside its sources.
sys.dont_write_bytecode = True

from copies import Copy
from groups import Groups
from recording import MESSAGES, Event, agree, body, lines, place, unblanked

KEPT = 20


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
        changes = directory / "changes.ndjson"
        self.changes = lines(changes) if changes.exists() else []
        self.endings = {
            path.stem: Ending(lines(path)) for path in sorted((directory / "fresh").glob("*.ndjson"))
        }
        for path in sorted((directory / "devices").glob("*.ndjson")):
            first, *rest = lines(path)
            self.verdict.looked_at["devices"] += 1
            self.follow(first["account"], first["device"], rest)

    def run(self):
        self.judge_sends()
        self.judge_changes()
        self.judge_logs()
        self.judge_groups()
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
            if unblanked(known) != unblanked(operation) or self.differs(known, operation):
                self.verdict.broken("H2", f"{account}: {known} and {operation} are both {revision} of {log_id}")
            event = Event.of(operation)
            if event:
                if event.seq <= seqs.get(event.chat, 0):
                    self.verdict.broken("H5", f"{device}: seq {event.seq} of {event.chat} after {seqs[event.chat]}")
                seqs[event.chat] = event.seq
            copy.take_operation(operation)
            copy.position = (log_id, revision, operation["tag"])

    @staticmethod
    def differs(known, operation):
        """Whether two devices were told two texts."""
        if operation["type"] not in MESSAGES:
            return False
        return not agree(*(body(one["payload"]["message"]) for one in (known, operation)))

    @staticmethod
    def parties(send):
        """Whose endings must have a send: in a group that follows from who was in it, and its sender has it if anybody has."""
        to = send["request"]["to"]
        return (send["account"], to) if to.startswith("U") else ()

    def judge_sends(self):
        """H3 and H4: what became of every send."""
        named = {}
        for send in self.sends:
            said, answer = send["request"]["message"]["text"], send["answer"] or {}
            acknowledged = send["status"] == 200
            self.verdict.looked_at["acknowledged" if acknowledged else "unanswered"] += 1
            for party in self.parties(send):
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

    def judge_changes(self):
        """H6: a read mark that was acknowledged has not gone back, in a chat that one is in still."""
        for change in self.changes:
            if change["status"] != 200 or change["change"] != "read":
                continue
            self.verdict.looked_at["marks"] += 1
            account, answer = change["account"], change["answer"]
            chat = self.endings[account].copy.chats.get(answer["chat"]) if account in self.endings else None
            if chat and chat.mark[1] < answer["seq"]:
                self.verdict.broken("H6", f"{account} had read {answer}, at the end the mark is at {chat.mark[1]}")

    def judge_groups(self):
        groups = Groups(self.verdict, self.endings)
        for account, log in self.logs.items():
            groups.take_log(account, log)
        said = [(send, send["request"]["message"]["text"]) for send in self.sends if not self.parties(send)]
        changed = [(change, None) for change in self.changes if change["change"] != "read"]
        for asked, text in said + changed:
            if asked["status"] == 200:
                answer = asked["answer"]
                groups.take_acknowledged(answer["chat"], answer["seq"], asked["account"], text)
        texts = {text for _, text in said}
        for account, ending in self.endings.items():
            for text in texts & ending.times.keys():
                if ending.times[text] > 1:
                    self.verdict.broken("H3", f"{text!r} stands {ending.times[text]} times with {account}")
        groups.judge()

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
                event = Event.of(operation)
                if event is None:
                    continue
                where = event.chat, event.seq
                if (log_id, where) in once:
                    self.verdict.broken("H3", f"{account}: {where} again at {revision} of {log_id}")
                once.add((log_id, where))
                # What was said in a group may be gone with who left it; that is judged where its people are known.
                if event.kind == "message" and "peer" in operation["payload"]:
                    kept = ending.history.get(where)
                    if kept is None or not agree(kept, event.says):
                        self.verdict.broken("H6", f"{account}: {event.says} was pushed, kept is {kept}")

    def judge_copies(self):
        """H8: what a device made of its frames is what a device with nothing is given; and H3 once more, by device."""
        expected = defaultdict(list)
        for send in self.sends:
            if send["status"] == 200:
                for party in self.parties(send):
                    expected[party].append((send["answer"]["chat"], send["answer"]["seq"]))
        for account, device, copy in self.copies:
            self.verdict.looked_at["copies"] += 1
            ending = self.endings.get(account)
            if ending is None:
                self.verdict.broken("H8", f"there is no ending of {account}")
                continue
            for words in copy.differences(ending.copy):
                self.verdict.broken("H8", f"{device}: {words}")
            self.verdict.looked_at["copies_not_understood"] += bool(copy.not_understood)
            for chat, seq in expected[account]:
                if seq >= copy.complete_from.get(chat, 0) and seq not in copy.messages.get(chat, {}):
                    self.verdict.broken("H3", f"{device} never got the acknowledged {seq} of {chat}")


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
