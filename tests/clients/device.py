"""A device on httpx. It shares nothing with the project but what the API promises.

usage: device.py http://HOST:PORT MAX_BEHIND

Runs over HTTP/1.1, then over HTTP/2 with prior knowledge.
"""

import datetime
import itertools
import json
import sys
import time

import httpx


class Device:
    """Somebody with one connection pool, and a token once there is one."""

    def __init__(self, url, http2):
        self.client = httpx.Client(base_url=url, http1=not http2, http2=http2, timeout=20)
        self.keys = itertools.count()

    def granted(self, method, path, body=None, key=None):
        headers = {"idempotency-key": key} if key else {}
        answer = self.client.request(method, path, json=body, headers=headers)
        assert answer.status_code == 200, (method, path, answer.status_code, answer.text)
        return answer.json()

    def register(self, name):
        device = {"name": "python", "platform": "test"}
        told = self.granted("POST", "/v1/register", {"name": name, "device": device})
        self.account = told["account"]
        self.client.headers["authorization"] = f"Bearer {told['access_token']}"

    def say(self, to, text, key=None):
        today = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d")
        key = key or f"{today}-python-{next(self.keys)}"
        return self.granted("POST", "/v1/messages", {"to": to, "message": {"type": "text", "text": text}}, key)

    def sync(self, position, expected):
        """What follows a position, as soon as it is as expected."""
        for _ in range(2_000):
            frame = self.granted("POST", "/v1/sync", {"position": position})
            if expected(frame):
                return frame
            time.sleep(0.01)
        raise AssertionError(f"what was expected did not arrive: {frame}")

    def follow(self, position):
        """A stream, as a context in which its frames can be read."""
        return self.client.stream("GET", "/v1/stream", params=position)


def frames_of(stream):
    assert stream.status_code == 200, stream.status_code
    return (json.loads(line) for line in stream.iter_lines())


def expect(frames, kind):
    frame = next(frames)
    assert frame["frame"] == kind, frame
    return frame


def texts(frame):
    return [operation["payload"]["message"]["content"]["text"] for operation in frame["operations"]]


def scenario(url, max_behind, http2):
    ann, bob, watching = (Device(url, http2) for _ in range(3))
    ann.register("Ann")
    bob.register("Bob")
    # A stream that is left early takes its connection along; the calls have another.
    watching.client.headers["authorization"] = bob.client.headers["authorization"]

    first = bob.granted("POST", "/v1/sync", {"reason": "initialization"})["position"]
    with watching.follow(first) as stream:
        frames = frames_of(stream)
        sign_on = expect(frames, "sign_on")
        assert sign_on["head"] == first, sign_on
        key = f"{sign_on['date']}-python-hello"
        sent = ann.say(bob.account, "hello", key)
        arrived = expect(frames, "operations")
        assert texts(arrived) == ["hello"], arrived
        assert ann.say(bob.account, "hello", key) == sent, "the same key is the same message"
    last = arrived["operations"][-1]
    seen = {"log_id": arrived["log_id"], "revision": last["revision"], "tag": last["tag"]}

    for text in ("missed 1", "missed 2"):
        ann.say(bob.account, text)
    # The sender is answered before the receiver's log has it.
    synced = bob.sync(seen, lambda frame: len(frame.get("operations", [])) == 2)
    assert texts(synced) == ["missed 1", "missed 2"], synced
    with watching.follow(seen) as stream:
        frames = frames_of(stream)
        expect(frames, "sign_on")
        assert texts(expect(frames, "operations")) == ["missed 1", "missed 2"]

    for number in range(max_behind):
        ann.say(bob.account, f"unheard {number}")
    # Too much is missing as soon as most of it is there; the snapshots are to hold all of it.
    everything = seen["revision"] + 2 + max_behind
    bob.sync(seen, lambda frame: frame["frame"] == "full_sync" and frame["position"]["revision"] == everything)
    with watching.follow(seen) as stream:
        frames = frames_of(stream)
        expect(frames, "sign_on")
        full_sync = expect(frames, "full_sync")
        assert full_sync["reason"] == "gap", full_sync
        assert next(frames, None) is None, "a FullSync ends the stream"
    for category in full_sync["categories"]:
        page = bob.granted("GET", f"/v1/snapshots/{category}")
        assert page["position"]["revision"] >= full_sync["position"]["revision"], page
        if category == "messages":
            assert len(page["items"][0]["messages"]) == 3 + max_behind, page


def main():
    url, max_behind = sys.argv[1], int(sys.argv[2])
    for http2 in (False, True):
        scenario(url, max_behind, http2)
    print("done")


main()
