// Session ids: how they are made, which texts can be one, what is stored instead, and what becomes
// of those that we did not make. The numbers in parentheses are those of the list that
// session-manager.test.ts names.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import { hashSessionId, isSessionId, newSessionId, sessionHandle } from "../src/session-id.ts";
import { Browser, describeManager } from "./session-subject.ts";

test("(13) ids are 43 characters of base64url, 100,000 are distinct, every byte occurs", () => {
  const ids = new Set<string>();
  const bytes = new Set<number>();
  for (let count = 0; count < 100_000; count += 1) {
    const id = newSessionId(randomBytes);
    if (!/^[A-Za-z0-9_-]{43}$/.test(id)) assert.fail(`${id} is no id`);
    ids.add(id);
    if (bytes.size < 256) for (const byte of Buffer.from(id, "base64url")) bytes.add(byte);
  }
  assert.deepEqual([ids.size, bytes.size], [100_000, 256]);
});

test("an id holds all of the 32 random bytes, and is asked for no more", () => {
  const sizes: number[] = [];
  const id = newSessionId((size) => {
    sizes.push(size);
    return Uint8Array.from({ length: size }, (_, index) => 255 - index);
  });
  assert.deepEqual(sizes, [32]);
  assert.equal(id, "__79_Pv6-fj39vX08_Lx8O_u7ezr6uno5-bl5OPi4eA");
});

describe("(19) a failing random source is an error:", () => {
  const failures: readonly (readonly [string, () => Uint8Array, RegExp])[] = [
    ["one that throws", () => assert.fail("Cannot read"), /^Cannot read$/],
    ["31 bytes", () => new Uint8Array(31), /^Cannot make a session id: too few random bytes$/],
    ["no byte", () => new Uint8Array(), /^Cannot make a session id: too few random bytes$/],
  ];
  for (const [name, random, message] of failures) {
    test(name, () => assert.throws(() => newSessionId(random), { message }));
  }
});

describe("has the form of an id:", () => {
  const id = "A-_z0".padEnd(43, "a");
  const forms: readonly (readonly [string, string, boolean])[] = [
    ["43 characters of the alphabet", id, true],
    ["42 characters: no", id.slice(1), false],
    ["44 characters: no", `${id}a`, false],
    ["nothing: no", "", false],
    ["a line break after it: no", `${id}\n`, false],
    ["a line break in it: no", `${id.slice(1)}\n`, false],
    ["plain base64: no", `+/${id.slice(2)}`, false],
    ["padding: no", `${id.slice(1)}=`, false],
    ["a letter beyond ASCII: no", `é${id.slice(1)}`, false],
    ["a percent escape: no", `%41${id.slice(3)}`, false],
    ["NUL: no", `\0${id.slice(1)}`, false],
    ["quotes around it: no", `"${id}"`, false],
  ];
  for (const [claim, text, isOne] of forms) {
    test(claim, () => assert.equal(isSessionId(text), isOne));
  }
});

test("(18) what is stored is the SHA-256 of an id, and no id by its value", () => {
  const id = newSessionId(randomBytes);
  const key = hashSessionId(id);
  assert.equal(key, createHash("sha256").update(id).digest("base64url"));
  assert.notEqual(key, id);
});

test("ids that stand for the same bytes are different ids", () => {
  // The last character has two bits to spare: "A" and "B" decode to the same byte.
  const [one, other] = [`${"x".repeat(42)}A`, `${"x".repeat(42)}B`];
  assert.deepEqual(Buffer.from(one, "base64url"), Buffer.from(other, "base64url"));
  assert.notEqual(hashSessionId(one), hashSessionId(other));
});

test("a handle is 22 characters, the same each time, another for each key, and hashed anew", () => {
  const key = hashSessionId("first");
  const handle = sessionHandle(key);
  assert.match(handle, /^[\w-]{22}$/);
  assert.equal(sessionHandle(key), handle);
  assert.notEqual(sessionHandle(hashSessionId("second")), handle);
  const plainHash = createHash("sha256").update(key).digest("base64url");
  assert.equal(key.startsWith(handle) || plainHash.startsWith(handle), false);
});

const cookieOf = (value: string) => `__Host-session_id=${value}`;
const unknown = "A".repeat(43);

describeManager("ids that we did not make,", {
  async "(14) malformed: the store is not asked"(subject) {
    const id = (await subject.logIn("ada", { cart: "1" })).id;
    subject.store.asked.length = 0;
    const values = ["", "x", id.slice(1), `${id}A`, `"${id}"`, `%${id}`, `${id.slice(1)}=`, "é"];
    for (const value of values) {
      const browser = new Browser(cookieOf(value));
      const visit = await subject.visit(browser, (session) => session.get("cart"));
      assert.deepEqual(visit, { value: undefined, gone: false, cookie: undefined });
    }
    assert.deepEqual(subject.store.asked, []);
  },
  async "(15) unknown: nobody's, and nothing is created"(subject) {
    const browser = new Browser(cookieOf(unknown));
    const visit = await subject.visit(browser, (session) => session.get("cart"));
    assert.deepEqual(visit, { value: undefined, gone: false, cookie: undefined });
    assert.deepEqual([subject.size, subject.store.asked], [0, ["read"]]);
  },
  async "(15) unknown or malformed: what is set then is under an id of ours"(subject) {
    for (const value of [unknown, "malformed"]) {
      const browser = new Browser(cookieOf(value));
      await subject.visit(browser, (session) => session.set("cart", "1"));
      assert.match(browser.id, /^[\w-]{43}$/);
      assert.notEqual(browser.id, unknown);
      assert.deepEqual(await subject.values(browser, "cart"), ["1"]);
      assert.deepEqual(await subject.values(new Browser(cookieOf(value)), "cart"), [undefined]);
    }
  },
  async "(16) 10,000 unknown ids leave the store empty"(subject) {
    for (let count = 0; count < 10_000; count += 1) {
      const browser = new Browser(cookieOf(newSessionId(randomBytes)));
      await subject.visit(browser, async (session) => {
        await session.get("cart");
        session.delete("cart");
        session.rotate();
      });
    }
    assert.equal(subject.size, 0);
  },
  async "(18) the key of a session does not open it"(subject) {
    const browser = await subject.logIn("ada", { cart: "1" });
    const thief = new Browser(cookieOf(hashSessionId(browser.id)));
    assert.deepEqual(await subject.values(thief, "cart"), [undefined]);
  },
  async "planted before ours by a neighbour: ours is found, and the first that is alive"(subject) {
    const [ada, eve] = [await subject.logIn("ada", { n: "a" }), await subject.logIn("eve", { n: "e" })];
    const both = `${cookieOf("x")}; ${cookieOf(unknown)}; ${cookieOf("B".repeat(43))}; ${ada.cookie}; ${eve.cookie}`;
    assert.deepEqual(await subject.values(new Browser(both), "n"), ["a"]);
    await subject.visit(ada, (session) => session.destroy());
    assert.deepEqual(await subject.values(new Browser(both), "n"), ["e"]);
  },
  async "planted: a log-out ends every session that the browser sent"(subject) {
    const [ada, eve] = [await subject.logIn("ada", { n: "a" }), await subject.logIn("eve", { n: "e" })];
    await subject.visit(new Browser(`${eve.cookie}; ${ada.cookie}`), (session) => session.destroy());
    assert.deepEqual([subject.size, await subject.values(ada, "n")], [0, [undefined]]);
    assert.equal(subject.ended.length, 2);
  },
  async "planted: a login ends every session that the browser sent"(subject) {
    const [ada, eve] = [await subject.logIn("ada"), await subject.logIn("eve")];
    const browser = new Browser(`${eve.cookie}; ${ada.cookie}`);
    await subject.visit(browser, (session) => session.start("ada"));
    assert.deepEqual([subject.size, subject.ended.length], [1, 2]);
    assert.equal((await subject.manager.list("ada"))[0]?.handle, await subject.handle(browser));
  },
});
