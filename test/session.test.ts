// The session of one request: what is read, and what is recorded to be done.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { hashSessionId, sessionHandle } from "../src/session-id.ts";
import type { MaybePromise } from "../src/session-store.ts";
import { RecordedSession } from "../src/session.ts";
import type { Session, SessionIntent, StoredSession } from "../src/session.ts";

const key = hashSessionId("first");
const data = new Map([["cart", "1"]]);
const record = { owner: "ada", data, createdAt: 1, lastSeenAt: 2, expiresAt: 3 };
const stored: StoredSession = { key, record };

type Change = readonly [string, string | undefined];

function intent(
  action: SessionIntent["action"],
  owner?: string,
  ...changes: readonly Change[]
): SessionIntent {
  return { action, owner, changes: new Map(changes) };
}

describe("what a controller asks is recorded:", () => {
  const rows: readonly (readonly [string, (session: Session) => void, SessionIntent])[] = [
    ["nothing", () => {}, intent("keep")],
    ["set", (session) => session.set("a", "1"), intent("keep", undefined, ["a", "1"])],
    ["delete", (session) => session.delete("a"), intent("keep", undefined, ["a", undefined])],
    ["the last of two sets", ask("set a 1, set a 2"), intent("keep", undefined, ["a", "2"])],
    ["delete after set", ask("set a 1, delete a"), intent("keep", undefined, ["a", undefined])],
    ["set after delete", ask("delete a, set a 1"), intent("keep", undefined, ["a", "1"])],
    ["start", ask("start ada"), intent("replace", "ada")],
    ["start drops what was set before", ask("set a 1, start ada"), intent("replace", "ada")],
    ["set after start", ask("start ada, set a 1"), intent("replace", "ada", ["a", "1"])],
    ["the last of two starts", ask("start ada, set a 1, start eve"), intent("replace", "eve")],
    ["rotate", ask("rotate"), intent("rotate")],
    ["rotate twice is rotate", ask("rotate, rotate"), intent("rotate")],
    ["rotate keeps what is set", ask("set a 1, rotate"), intent("rotate", undefined, ["a", "1"])],
    ["start after rotate", ask("rotate, start ada"), intent("replace", "ada")],
    ["rotate after start is start: the id is new", ask("start ada, rotate"), intent("replace", "ada")],
    ["destroy", ask("destroy"), intent("destroy")],
    ["destroy drops all before", ask("start ada, set a 1, destroy"), intent("destroy")],
    ["rotate after destroy does not undo it", ask("destroy, rotate"), intent("destroy")],
    ["delete after destroy does not undo it", ask("destroy, delete a"), intent("destroy", undefined, ["a", undefined])],
    [
      "set after destroy: another session, of nobody",
      ask("destroy, set a 1"),
      intent("replace", undefined, ["a", "1"]),
    ],
    ["start after destroy", ask("destroy, start ada"), intent("replace", "ada")],
    ["destroy after set after destroy", ask("destroy, set a 1, destroy"), intent("destroy")],
  ];
  for (const [claim, controller, expected] of rows) {
    test(claim, () => {
      const session = new RecordedSession(() => stored);
      controller(session);
      assert.deepEqual(session.intent, expected);
    });
  }
});

/** The calls in a text such as "start ada, set a 1". */
function ask(text: string): (session: Session) => void {
  return (session) => {
    for (const call of text.split(", ")) {
      const [method, first = "", second = ""] = call.split(" ");
      if (method === "set") session.set(first, second);
      if (method === "delete") session.delete(first);
      if (method === "start") session.start(first);
      if (method === "rotate") session.rotate();
      if (method === "destroy") session.destroy();
    }
  };
}

const handle = sessionHandle(key);

describe("what a controller reads, of cart and of the handle:", () => {
  type Read = readonly [string | undefined, string | undefined];
  const rows: readonly (readonly [string, string, Read, boolean])[] = [
    ["what is stored", "", ["1", handle], true],
    ["what was set", "set cart 2", ["2", handle], true],
    ["what was deleted is gone", "delete cart", [undefined, handle], true],
    ["what was set and then deleted is gone", "set cart 2, delete cart", [undefined, handle], true],
    ["the same after rotate, as the id is not changed yet", "rotate", ["1", handle], true],
    ["nothing after start", "start ada", [undefined, undefined], false],
    ["what was set after start", "start ada, set cart 2", ["2", undefined], false],
    ["nothing after destroy", "destroy", [undefined, undefined], false],
    ["what was set after destroy", "destroy, set cart 2", ["2", undefined], false],
  ];
  for (const [claim, calls, expected, wasLookedUp] of rows) {
    for (const look of [() => stored, () => Promise.resolve(stored)]) {
      test(`${claim}, found by ${look().constructor.name}`, async () => {
        const session = new RecordedSession(look);
        ask(calls)(session);
        assert.deepEqual([await session.get("cart"), await session.handle()], expected);
        assert.equal(session.wasLookedUp, wasLookedUp);
      });
    }
  }

  test("nothing where there is no session", async () => {
    const session = new RecordedSession(() => undefined);
    assert.deepEqual([await session.get("cart"), await session.handle()], [undefined, undefined]);
    assert.equal(session.wasLookedUp, true);
  });
});

test("the store is asked once, and not before it must be", async () => {
  let count = 0;
  const session = new RecordedSession(() => {
    count += 1;
    return undefined;
  });
  session.start("ada");
  session.set("cart", "1");
  session.delete("name");
  session.rotate();
  assert.equal(await session.get("cart"), "1");
  assert.deepEqual([count, session.wasLookedUp], [0, false]);
  await Promise.all([session.get("name"), session.handle(), session.find()]);
  assert.deepEqual([count, session.wasLookedUp], [1, true]);
});

for (const change of ["set cart 2", "delete cart", "rotate"]) {
  test(`${change}: the store is asked at once, so that an end from then on is noticed`, async () => {
    let count = 0;
    const session = new RecordedSession(() => {
      count += 1;
      return stored;
    });
    ask(change)(session);
    assert.deepEqual([count, session.wasLookedUp], [1, true]);
    ask(change)(session);
    await session.handle();
    assert.equal(count, 1);
  });
}

test("a fault of the store is every reader's, though it is asked once", async () => {
  let count = 0;
  const session = new RecordedSession(() => {
    count += 1;
    return Promise.reject(new Error("down"));
  });
  for (const read of [() => session.get("cart"), () => session.handle(), async () => session.find()]) {
    await assert.rejects(read, { message: "down" });
  }
  assert.equal(count, 1);
});

test("a fault that no reader waits for does not end the process", async () => {
  const look = (): MaybePromise<undefined> => Promise.reject(new Error("down"));
  const session = new RecordedSession(look);
  const [cart] = [session.get("cart"), session.get("name"), session.handle()];
  ask("set a 1, delete a, rotate")(session);
  await assert.rejects(cart, { message: "down" });
  // By then, Node has reported what was rejected and caught by nobody.
  await setImmediate();
});

describe("a session takes only well-formed text:", () => {
  const session = new RecordedSession(() => stored);
  const half = "\ud800";
  const rows: readonly (readonly [string, () => void, string])[] = [
    ["as a key to set", () => session.set(half, ""), "half a character in a session key"],
    ["as a value to set", () => session.set("a", `a${half}b`), "half a character in a session value"],
    ["as a key to delete", () => session.delete("\udc00"), "half a character in a session key"],
    ["as an owner", () => session.start(half), "half a character in the owner of a session"],
    ...[undefined, null, 7, {}, ["a"], Symbol("a")].flatMap((value) => {
      const use = (method: "set" | "delete" | "start", ...args: unknown[]) => () =>
        Reflect.apply(session[method], session, args);
      const type = typeof value;
      return [
        [`no ${type} as a key to set`, use("set", value, ""), `a ${type} as a session key`],
        [`no ${type} as a value`, use("set", "a", value), `a ${type} as a session value`],
        [`no ${type} as a key to delete`, use("delete", value), `a ${type} as a session key`],
        [`no ${type} as an owner`, use("start", value), `a ${type} as the owner of a session`],
      ] as const;
    }),
  ];
  for (const [claim, use, what] of rows) {
    test(claim, () => {
      assert.throws(use, { name: "TypeError", message: `Cannot use ${what}` });
      assert.deepEqual(session.intent, intent("keep"));
    });
  }

  test("an owner has a name", () => {
    const message = "Cannot start a session for an owner without a name";
    assert.throws(() => session.start(""), { name: "TypeError", message });
    assert.deepEqual(session.intent, intent("keep"));
  });

  test("and whole characters beyond the first plane, in all of them", async () => {
    const whole = new RecordedSession(() => stored);
    whole.start("😀");
    whole.set("😀", "😀");
    assert.deepEqual(whole.intent, intent("replace", "😀", ["😀", "😀"]));
  });
});

test("a session shows neither its id nor its key, however it is looked at", async () => {
  const session = new RecordedSession(() => stored);
  await session.get("cart");
  assert.equal(JSON.stringify(session), "{}");
  assert.deepEqual(Object.keys(session), []);
});
