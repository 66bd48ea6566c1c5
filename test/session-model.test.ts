// Many sessions: random histories of browsers, logins, concurrent requests, revocations and time,
// compared after every step with a model that is simple enough to be believed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { SessionTooLargeError } from "../src/checked-store.ts";
import { hashSessionId, sessionHandle } from "../src/session-id.ts";
import { SessionManager } from "../src/session-manager.ts";
import type { SessionChanges, SessionKey, SessionRecord } from "../src/session-store.ts";
import type { RecordedSession } from "../src/session.ts";
import { MemoryStore } from "../src/stores/memory-store.ts";
import type { MemoryStoreOptions } from "../src/stores/memory-store.ts";
import { fakeClock } from "./fake-clock.ts";
import { seedFromEnvironment, seededRandom } from "./seeded-random.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { Model, limits } from "./session-model.ts";
import type { ModelBrowser, ModelRequest, ModelSession, Outcome } from "./session-model.ts";
import { Browser } from "./session-subject.ts";

const owners = ["ada", "eve"] as const;
const keys = ["", "k", "__proto__"] as const;
const values = ["", "1", "long enough"] as const;

interface User {
  readonly browser: Browser;
  readonly model: ModelBrowser;
}

interface OpenRequest {
  readonly name: string;
  readonly user: User;
  readonly cookie: string | undefined;
  readonly session: RecordedSession;
  readonly model: ModelRequest;
}

type MakeStore = (options: MemoryStoreOptions) => MemoryStore;

/** One history, of a manager and of the model side by side. */
class History {
  /** What happened, to be printed when it went wrong. */
  readonly steps: string[] = [];
  readonly #random: SeededRandom;
  readonly #clock = fakeClock(0);
  readonly #model = new Model();
  readonly #store: MemoryStore;
  readonly #manager: SessionManager;
  readonly #users: readonly User[];
  /** Every session that there was, by its key. */
  readonly #keys = new Map<ModelSession, SessionKey>();
  readonly #handles = new Map<ModelSession | undefined, string>([[undefined, "none"]]);
  #requests: OpenRequest[] = [];

  constructor(seed: number, makeStore: MakeStore) {
    this.#random = seededRandom(seed);
    const { idleTimeout, absoluteTimeout, ...caps } = limits;
    const clock = this.#clock;
    this.#store = makeStore({ clock, schedule: () => {}, ...caps });
    this.#manager = new SessionManager({ store: this.#store, clock, idleTimeout, absoluteTimeout });
    this.#users = [1, 2, 3, 4, 5].map(() => ({
      browser: new Browser(),
      model: { cookie: undefined },
    }));
  }

  async step(): Promise<void> {
    // Time passes with each step: no two sessions are of the same age.
    this.#advance(1);
    const choice = this.#random.below(100);
    const request = this.#requests[this.#random.below(this.#requests.length)];
    if (choice < 3) this.#advance(this.#random.below(60));
    else if (choice < 5) await this.#end();
    else if (choice < 6) await this.#endAll();
    else if (request === undefined || (choice < 25 && this.#requests.length < 4)) this.#open();
    else if (choice < 50) await this.#commit(request);
    else await this.#ask(request, choice);
    await this.#compare();
  }

  #advance(milliseconds: number): void {
    if (milliseconds > 1) this.steps.push(`${milliseconds} ms pass`);
    this.#clock.advance(milliseconds);
    this.#model.now += milliseconds;
  }

  #open(): void {
    const index = this.#random.below(this.#users.length);
    const user = this.#users[index] ?? assert.fail();
    const { cookie } = user.browser;
    const name = `request ${this.steps.length}`;
    this.steps.push(`${name} of browser ${index} is opened`);
    const session = this.#manager.open(cookie);
    this.#requests.push({ name, user, cookie, session, model: this.#model.open(user.model) });
  }

  async #ask({ name, session, model }: OpenRequest, choice: number): Promise<void> {
    const [key, value] = [this.#random.pick(keys), this.#random.pick(values)];
    const owner = this.#random.pick(owners);
    if (choice < 65) {
      this.steps.push(`${name}: get "${key}"`);
      assert.equal(await session.get(key), this.#model.get(model, key));
    } else if (choice < 75) {
      this.steps.push(`${name}: set "${key}" to "${value}"`);
      session.set(key, value);
      this.#model.set(model, key, value);
    } else if (choice < 80) {
      this.steps.push(`${name}: delete "${key}"`);
      session.delete(key);
      model.changes.set(key, undefined);
    } else if (choice < 92) {
      this.steps.push(`${name}: start ${owner}`);
      session.start(owner);
      this.#model.become(model, "replace", owner);
    } else if (choice < 97) {
      this.steps.push(`${name}: rotate`);
      session.rotate();
      if (model.action === "keep") model.action = "rotate";
    } else {
      this.steps.push(`${name}: destroy`);
      session.destroy();
      this.#model.become(model, "destroy");
    }
  }

  async #commit(request: OpenRequest): Promise<void> {
    this.steps.push(`${request.name} is committed`);
    this.#requests = this.#requests.filter((other) => other !== request);
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
      if (error instanceof SessionTooLargeError) return "too large";
      assert.match(String(error), /there are 6 sessions already$/);
      return "full";
    }
  }

  async #end(): Promise<void> {
    const owner = this.#random.pick(owners);
    const known = [...this.#keys.keys()];
    const session = known[this.#random.below(known.length)];
    this.steps.push(`a session is ended for ${owner}`);
    const count = session?.owner === owner ? this.#model.end([session]) : 0;
    assert.equal(await this.#manager.end(owner, this.#handleOf(session)), count);
  }

  async #endAll(): Promise<void> {
    const owner = this.#random.pick(owners);
    const list = this.#model.list(owner);
    const except = list[this.#random.below(list.length + 1)];
    this.steps.push(`all sessions of ${owner} are ended${except === undefined ? "" : " but one"}`);
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

/** Runs histories; the first that goes wrong is told of up to the step at which it did. */
async function run(
  seed: number,
  histories: number,
  length: number,
  makeStore: MakeStore = (options) => new MemoryStore(options),
): Promise<void> {
  let shortest: { readonly steps: readonly string[]; readonly error: unknown } | undefined;
  for (let number = 0; number < histories; number += 1) {
    const history = new History(seed + number, makeStore);
    const limit = shortest?.steps.length ?? Infinity;
    try {
      for (let step = 0; step < length && history.steps.length < limit; step += 1) {
        await history.step();
      }
    } catch (error) {
      shortest = { steps: history.steps, error };
    }
  }
  if (shortest === undefined) return;
  const { steps, error } = shortest;
  throw new Error(`SEED=${seed} fails after ${steps.join("; ")}`, { cause: error });
}

test("50,000 random steps end as in a model, session by session and list by list", async () => {
  await run(seedFromEnvironment(), 250, 200);
});

/** Brings back what was ended, as a store with get and set does. */
class RevivingStore extends MemoryStore {
  override update(key: SessionKey, changes: SessionChanges): boolean {
    if (super.update(key, changes)) return true;
    const { lastSeenAt, expiresAt } = changes;
    return super.create(key, { ...nobody, createdAt: lastSeenAt, lastSeenAt, expiresAt });
  }
}

/** Forgets to count. */
class CrowdedStore extends MemoryStore {
  constructor(options: MemoryStoreOptions) {
    super({ ...options, maxSessionsPerOwner: limits.maxSessionsPerOwner + 1 });
  }
}

/** Ends the session that was to be spared, too. */
class CarelessStore extends MemoryStore {
  override deleteByOwner(owner: string): number {
    return super.deleteByOwner(owner);
  }
}

const nobody = { owner: undefined, data: new Map<string, string>() };

for (const Store of [RevivingStore, CrowdedStore, CarelessStore]) {
  test(`a ${Store.name} is found out, with the seed and the shortest history`, async () => {
    const failing = run(1, 40, 200, (options) => new Store(options));
    await assert.rejects(failing, (error: Error) => {
      assert.match(error.message, /^SEED=1 fails after .*request \d+ is committed/);
      assert.ok(error.message.split("; ").length < 60, error.message);
      assert.ok(error.cause instanceof assert.AssertionError);
      return true;
    });
  });
}
