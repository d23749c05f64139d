// A device on Node's http2 module. It shares nothing with the project but what the API promises.
//
// usage: node device.mjs http://HOST:PORT MAX_BEHIND

import assert from "node:assert/strict";
import http2 from "node:http2";
import { setTimeout as sleep } from "node:timers/promises";

const [url, maxBehind] = [process.argv[2], Number(process.argv[3])];
const today = () => new Date().toISOString().slice(0, 10).replaceAll("-", "");

/** One HTTP/2 connection, with a token once there is one. */
class Device {
  constructor() {
    this.connection = http2.connect(url);
    this.keys = 0;
  }

  request(method, path, body, key) {
    const headers = { ":method": method, ":path": path };
    if (this.token) headers.authorization = `Bearer ${this.token}`;
    if (key) headers["idempotency-key"] = key;
    if (body !== undefined) headers["content-type"] = "application/json";
    const stream = this.connection.request(headers, { endStream: body === undefined });
    if (body !== undefined) stream.end(JSON.stringify(body));
    return stream;
  }

  async ask(method, path, body, key) {
    const stream = this.request(method, path, body, key);
    const status = await new Promise((resolve, reject) => {
      stream.on("response", (headers) => resolve(headers[":status"]));
      stream.on("error", reject);
    });
    let text = "";
    for await (const part of stream) text += part;
    return { status, body: text ? JSON.parse(text) : null };
  }

  async granted(method, path, body, key) {
    const answer = await this.ask(method, path, body, key);
    assert.equal(answer.status, 200, `${method} ${path}: ${JSON.stringify(answer)}`);
    return answer.body;
  }

  async register(name) {
    const device = { name: "node", platform: "test" };
    const told = await this.granted("POST", "/v1/register", { name, device });
    Object.assign(this, { account: told.account, token: told.access_token });
  }

  say(to, text, key = `${today()}-node-${++this.keys}`) {
    return this.granted("POST", "/v1/messages", { to, message: { type: "text", text } }, key);
  }

  /** What follows a position, as soon as it is as expected. */
  async sync(position, expected) {
    for (let attempt = 0; attempt < 2_000; attempt++) {
      const frame = await this.granted("POST", "/v1/sync", { position });
      if (expected(frame)) return frame;
      await sleep(10);
    }
    assert.fail("what was expected did not arrive");
  }

  /** The frames of a stream, one at a time. */
  async *follow({ log_id, revision, tag }) {
    const path = `/v1/stream?log_id=${log_id}&revision=${revision}&tag=${tag}`;
    const stream = this.request("GET", path);
    stream.setEncoding("utf8");
    let rest = "";
    for await (const part of stream) {
      const lines = (rest + part).split("\n");
      rest = lines.pop();
      for (const line of lines) yield JSON.parse(line);
    }
  }
}

const texts = (frame) => frame.operations.map((operation) => operation.payload.message.content.text);

async function next(frames, kind) {
  const { value, done } = await frames.next();
  assert.ok(!done, `the stream ended where ${kind} was expected`);
  assert.equal(value.frame, kind, JSON.stringify(value));
  return value;
}

async function main() {
  const [ann, bob] = [new Device(), new Device()];
  await ann.register("Ann");
  await bob.register("Bob");

  const first = await bob.granted("POST", "/v1/sync", { reason: "initialization" });
  assert.equal(first.frame, "full_sync");
  let frames = bob.follow(first.position);
  const signOn = await next(frames, "sign_on");
  assert.deepEqual(signOn.head, first.position);
  const key = `${signOn.date}-node-hello`;
  const sent = await ann.say(bob.account, "hello", key);
  const arrived = await next(frames, "operations");
  assert.deepEqual(texts(arrived), ["hello"]);
  assert.deepEqual(await ann.say(bob.account, "hello", key), sent, "the same key is the same message");
  const { revision, tag } = arrived.operations[0];
  const seen = { log_id: arrived.log_id, revision, tag };
  await frames.return();

  await ann.say(bob.account, "missed 1");
  await ann.say(bob.account, "missed 2");
  // The sender is answered before the receiver's log has it.
  const synced = await bob.sync(seen, (frame) => frame.operations?.length === 2);
  assert.deepEqual(texts(synced), ["missed 1", "missed 2"]);
  frames = bob.follow(seen);
  await next(frames, "sign_on");
  assert.deepEqual(texts(await next(frames, "operations")), ["missed 1", "missed 2"]);
  await frames.return();

  for (let number = 0; number < maxBehind; number++) await ann.say(bob.account, `unheard ${number}`);
  // Too much is missing as soon as most of it is there; the snapshots are to hold all of it.
  const all = seen.revision + 2 + maxBehind;
  await bob.sync(seen, (frame) => frame.frame === "full_sync" && frame.position.revision === all);
  frames = bob.follow(seen);
  await next(frames, "sign_on");
  const fullSync = await next(frames, "full_sync");
  assert.equal(fullSync.reason, "gap");
  assert.ok((await frames.next()).done, "a FullSync ends the stream");
  for (const category of fullSync.categories) {
    const page = await bob.granted("GET", `/v1/snapshots/${category}`);
    assert.ok(page.position.revision >= fullSync.position.revision);
    if (category === "messages") assert.equal(page.items[0].messages.length, 3 + maxBehind);
  }
  for (const device of [ann, bob]) device.connection.close();
  console.log("done");
}

await main();
