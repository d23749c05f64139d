"""H2, H3 and H8 in groups: every event is the same for all, is told once to each member whom it concerns and to nobody else,
and all members agree in the end on who is in it.

Who was in a group when follows from its changes. Each event took the next seq, so nothing is missing between the first and
the last; a group that was made before anybody was watched is not judged.
"""

from collections import defaultdict

from recording import Event, agree


class Group:
    """What all logs together say of one group."""

    def __init__(self):
        self.events = {}
        self.told = defaultdict(set)

    def is_watched(self):
        return 1 in self.events and self.events[1].kind == "change"


class Stays:
    """Who is in a group as of an event, and who was before."""

    def __init__(self):
        self.stays = defaultdict(list)
        self.standing = {}

    def change(self, seq, members):
        for who, membership in members:
            was = self.standing.get(who)
            if membership == "joined" and was != "joined":
                self.stays[who].append([seq, None])
            elif membership != "joined" and was == "joined":
                self.stays[who][-1][1] = seq
            self.standing[who] = membership

    def joined(self):
        return {who for who, membership in self.standing.items() if membership == "joined"}

    def here(self):
        return {who for who, membership in self.standing.items() if membership != "gone"}

    def saw(self, seq):
        """Those who are in it and were at this seq: to them what is said there may be told."""
        was_there = lambda stay: stay[0] <= seq and (stay[1] is None or seq <= stay[1])
        return {who for who in self.joined() if any(map(was_there, self.stays[who]))}


class Groups:
    """All groups of a recording."""

    def __init__(self, verdict, endings):
        self.verdict, self.endings = verdict, endings
        self.groups = defaultdict(Group)
        self.acknowledged = defaultdict(dict)
        self.whole = set()

    def take_log(self, account, log):
        """What one account was told. Only a log that was received from its beginning to its end can lack something."""
        ending = self.endings.get(account)
        if ending:
            log_id, end, _ = ending.copy.position
            if all((log_id, revision) in log.operations for revision in range(1, (end or 0) + 1)):
                self.whole.add(account)
        for operation in log.operations.values():
            event = Event.of(operation)
            if event and "peer" not in operation["payload"]:
                self.take_event(account, event)

    def take_event(self, account, event):
        group = self.groups[event.chat]
        group.told[account].add(event.seq)
        known = group.events.setdefault(event.seq, event)
        if not known.agrees(event):
            words = f"seq {event.seq} of {event.chat} is {event.says} for {account}, {known.says} for others"
            self.verdict.broken("H2", words)
        elif event.kind == "message" and known.says[2] is None:
            group.events[event.seq] = event

    def take_acknowledged(self, chat, seq, account, said):
        """A send or a change that was granted; `said` is the text of a send."""
        self.acknowledged[chat][seq] = (account, said)

    def judge(self):
        for chat, group in self.groups.items():
            if group.is_watched():
                self.verdict.looked_at["groups"] += 1
                self.judge_group(chat, group)

    def judge_group(self, chat, group):
        for seq, (account, said) in self.acknowledged[chat].items():
            self.judge_acknowledged(chat, group, (seq, account, said))
        stays = Stays()
        for seq in range(1, max(group.events) + 1):
            event = group.events.get(seq)
            if event is None:
                # Of what nobody was told one can only complain if everybody's log is known.
                if all(account in self.whole for account in group.told):
                    self.verdict.broken("H3", f"seq {seq} of {chat} is in no log, later ones are")
                return
            self.judge_event(chat, group, event, stays)
        self.judge_members(chat, group, stays)

    def judge_acknowledged(self, chat, group, what):
        seq, account, said = what
        event = group.events.get(seq)
        if event is None:
            if account in self.whole:
                self.verdict.broken("H3", f"seq {seq} of {chat}, acknowledged to {account}, is in no log")
        elif said is not None and (event.kind != "message" or event.says[0] != account or event.says[2] not in (said, None)):
            self.verdict.broken("H3", f"{said!r} was acknowledged as seq {seq} of {chat}, which is {event.says}")

    def judge_event(self, chat, group, event, stays):
        self.verdict.looked_at["events"] += 1
        if event.kind == "change":
            concerned = stays.here()
            stays.change(event.seq, event.says[1])
            concerned |= stays.here()
        elif event.kind == "message":
            concerned = stays.joined()
        else:
            concerned = stays.saw(event.target())
        told = {account for account, seqs in group.told.items() if event.seq in seqs}
        for account in sorted(told - concerned):
            words = f"seq {event.seq} of {chat}, {event.kind}, was told to {account}, whom it does not concern"
            self.verdict.broken("H3", words)
        for account in sorted((concerned - told) & self.whole):
            self.verdict.broken("H3", f"seq {event.seq} of {chat}, {event.kind}, is not in the log of {account}")

    def judge_members(self, chat, group, stays):
        """At the end: those whom the events left in it see each other, and have what was said while they were there."""
        taken_back = {event.says for event in group.events.values() if event.kind == "unsend"}
        for account in group.told:
            ending = self.endings.get(account)
            if ending is None:
                continue
            copy = ending.copy.chats.get(chat)
            sees = copy.joined() if copy and account in copy.joined() else None
            wanted = stays.joined() if account in stays.joined() else None
            if sees != wanted:
                self.verdict.broken("H8", f"{account} sees {sees} in {chat}, its events left {wanted}")
            if wanted is None:
                continue
            for event in group.events.values():
                if event.kind == "message" and account in stays.saw(event.seq):
                    self.judge_kept(account, ending, event, taken_back)

    def judge_kept(self, account, ending, event, taken_back):
        kept = ending.history.get((event.chat, event.seq))
        if kept is None:
            self.verdict.broken("H3", f"seq {event.seq} of {event.chat} is not in the history of {account}")
        elif not agree(kept, event.says) or ((kept[2] is None) != (event.seq in taken_back)):
            self.verdict.broken("H2", f"seq {event.seq} of {event.chat} is {event.says}, {account} has {kept}")
