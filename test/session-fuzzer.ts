// Fuzzes sessions: random histories of browsers, logins, concurrent requests, revocations and time,
// compared after every step with a model that is simple enough to be believed.

import assert from "node:assert/strict";
import { hashSessionId, sessionHandle } from "../src/session-id.ts";
import { SessionManager } from "../src/session-manager.ts";
import type { SessionKey, SessionRecord } from "../src/session-store.ts";
import type { RecordedSession } from "../src/session.ts";
import { MemoryStore } from "../src/stores/memory-store.ts";
import type { MemoryStoreOptions } from "../src/stores/memory-store.ts";
import { fakeClock } from "./fake-clock.ts";
import type { Fuzzer } from "./fuzzers.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { Model, limits } from "./session-model.ts";
import type { ModelBrowser, ModelRequest, ModelSession, Outcome } from "./session-model.ts";
import { Browser } from "./session-subject.ts";

const owners = ["ada", "eve"] as const;
const keys = ["", "k", "__proto__"] as const;
const values = ["", "1", "long-enough"] as const;

/** Makes a step, in words: what happens, in which of ten requests, and with what. */
function makeStep(random: SeededRandom): string {
  const choice = random.below(100);
  const request = random.below(10);
  const key = random.pick(keys);
  const owner = random.pick(owners);
  if (choice < 3) return `wait ${random.below(60)}`;
  if (choice < 5) return `end ${random.below(20)} ${owner}`;
  if (choice < 6) return `end-all ${random.below(4)} ${owner}`;
  if (choice < 12) return `open ${request}`;
  if (choice < 45) return `commit ${request}`;
  if (choice < 65) return `get ${request} ${key}`;
  if (choice < 75) return `set ${request} ${key} ${random.pick(values)}`;
  if (choice < 80) return `delete ${request} ${key}`;
  if (choice < 92) return `start ${request} ${owner}`;
  return choice < 97 ? `rotate ${request}` : `destroy ${request}`;
}

type MakeStore = (options: MemoryStoreOptions) => MemoryStore;

/** The fuzzer of session operations, over a store of this making. */
export function sessionOperations(
  makeStore: MakeStore = (options) => new MemoryStore(options),
): Fuzzer {
  return {
    name: "session operations",
    generate: (random) => Array.from({ length: 200 }, () => makeStep(random)),
    async check(pieces) {
      const history = new History(makeStore);
      for (const piece of pieces) await history.step(piece);
    },
  };
}

interface User {
  readonly browser: Browser;
  readonly model: ModelBrowser;
}

interface OpenRequest {
  readonly user: User;
  readonly cookie: string | undefined;
  readonly session: RecordedSession;
  readonly model: ModelRequest;
}

/** One history, of a manager and of the model side by side. */
class History {
  readonly #clock = fakeClock(0);
  readonly #model = new Model();
  readonly #store: MemoryStore;
  readonly #manager: SessionManager;
  readonly #users: readonly User[];
  /** Every session that there was, by its key. */
  readonly #keys = new Map<ModelSession, SessionKey>();
  readonly #handles = new Map<ModelSession | undefined, string>([[undefined, "none"]]);
  /** Those under way, two at most of each browser. */
  readonly #requests = new Map<number, OpenRequest>();

  constructor(makeStore: MakeStore) {
    const { idleTimeout, absoluteTimeout, ...caps } = limits;
    const clock = this.#clock;
    this.#store = makeStore({ clock, schedule: () => {}, ...caps });
    this.#manager = new SessionManager({ store: this.#store, clock, idleTimeout, absoluteTimeout });
    this.#users = [1, 2, 3, 4, 5].map(() => ({
      browser: new Browser(),
      model: { cookie: undefined },
    }));
  }

  async step(words: string): Promise<void> {
    const [verb = "", first = "", second = "", third = ""] = words.split(" ");
    const number = Number(first);
    // Time passes with each step: no two sessions are of the same age.
    this.#advance(1);
    if (verb === "wait") this.#advance(number);
    else if (verb === "end") await this.#end(number, second);
    else if (verb === "end-all") await this.#endAll(number, second);
    else if (verb === "commit") await this.#commit(number);
    else await this.#ask(this.#open(number), verb, second, third);
    await this.#compare();
  }

  #advance(milliseconds: number): void {
    this.#clock.advance(milliseconds);
    this.#model.now += milliseconds;
  }

  /** The request of this number; it begins when it is first spoken of. */
  #open(number: number): OpenRequest {
    const known = this.#requests.get(number);
    if (known !== undefined) return known;
    const user = this.#users[number >> 1] ?? assert.fail("no such browser");
    const { cookie } = user.browser;
    const session = this.#manager.open(cookie);
    const request = { user, cookie, session, model: this.#model.open(user.model) };
    this.#requests.set(number, request);
    return request;
  }

  async #ask(
    { session, model }: OpenRequest,
    verb: string,
    name: string,
    value: string,
  ): Promise<void> {
    if (verb === "get") {
      assert.equal(await session.get(name), this.#model.get(model, name));
    } else if (verb === "set") {
      session.set(name, value);
      this.#model.set(model, name, value);
    } else if (verb === "delete") {
      session.delete(name);
      this.#model.set(model, name, undefined);
    } else if (verb === "start") {
      session.start(name);
      this.#model.become(model, "replace", name);
    } else if (verb === "rotate") {
      session.rotate();
      this.#model.rotate(model);
    } else if (verb === "destroy") {
      session.destroy();
      this.#model.become(model, "destroy");
    }
  }

  async #commit(number: number): Promise<void> {
    const request = this.#open(number);
    this.#requests.delete(number);
    const outcome = await this.#outcomeOf(request);
    assert.equal(outcome, this.#model.commit(request.model));
    const { browser, model } = request.user;
    if (outcome !== "given" || model.cookie === undefined) return;
    const key = hashSessionId(browser.id);
    this.#keys.set(model.cookie, key);
    this.#handles.set(model.cookie, sessionHandle(key));
  }

  async #outcomeOf({ user, session, cookie }: OpenRequest): Promise<Outcome> {
    try {
      const committed = await this.#manager.commit(session, cookie);
      user.browser.receive(committed.cookie);
      if (committed.gone) return "gone";
      if (committed.cookie === undefined) return "nothing";
      return user.browser.cookie === undefined ? "cleared" : "given";
    } catch (error) {
      if (error instanceof Error && error.name === "SessionTooLargeError") return "too large";
      assert.match(String(error), /there are 6 sessions already$/);
      return "full";
    }
  }

  async #end(number: number, owner: string): Promise<void> {
    const known = [...this.#keys.keys()];
    const session = known[number % known.length];
    const count = session?.owner === owner ? this.#model.end([session]) : 0;
    assert.equal(await this.#manager.end(owner, this.#handleOf(session)), count);
  }

  async #endAll(number: number, owner: string): Promise<void> {
    const list = this.#model.list(owner);
    const except = list[number % (list.length + 1)];
    const count = this.#model.end(list.filter((session) => session !== except));
    assert.equal(await this.#manager.endAll(owner, except && this.#handleOf(except)), count);
  }

  /** Every id that was ever given opens what the model says, and every owner's list is right. */
  async #compare(): Promise<void> {
    for (const [session, key] of this.#keys) {
      const record = this.#store.read(key);
      assert.equal(textOf(record), textOf(this.#model.isLive(session) ? session : undefined));
    }
    for (const owner of owners) {
      const list = (await this.#manager.list(owner)).map((one) => one.handle + textOf(one));
      const expected = this.#model
        .list(owner)
        .map((one) => this.#handleOf(one) + textOf(one));
      assert.equal(list.join(), expected.join());
    }
  }

  #handleOf(session: ModelSession | undefined): string {
    return this.#handles.get(session) ?? assert.fail("a session without a cookie");
  }
}

// Texts are compared, and not objects: there are very many.
function textOf(session: SessionRecord | undefined): string {
  if (session === undefined) return "none";
  const { owner, data, createdAt, lastSeenAt, expiresAt } = session;
  return JSON.stringify([owner, [...data].sort(), createdAt, lastSeenAt, expiresAt]);
}
