// A session manager under test: its store is watched, its clock is the test's, and browsers keep
// the cookies they are given.

import { randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import { SessionManager } from "../src/session-manager.ts";
import type { SessionManagerOptions } from "../src/session-manager.ts";
import type { MaybePromise, SessionStore } from "../src/session-store.ts";
import type { Committed, SessionEnd } from "../src/session-writer.ts";
import type { RecordedSession, Session } from "../src/session.ts";
import { MemoryStore } from "../src/stores/memory-store.ts";
import type { MemoryStoreOptions } from "../src/stores/memory-store.ts";
import { fakeClock } from "./fake-clock.ts";
import type { FakeClock } from "./fake-clock.ts";
import { PlainStore } from "./plain-store.ts";
import { WatchedStore } from "./watched-store.ts";

export const second = 1000;
export const minute = 60 * second;
export const hour = 60 * minute;

/** As much of a browser as a session notices. */
export class Browser {
  /** What it sends. */
  cookie: string | undefined;

  constructor(cookie?: string) {
    this.cookie = cookie;
  }

  /** The value of its session cookie. */
  get id(): string {
    return this.cookie?.split("=")[1] ?? "";
  }

  /** Takes a `Set-Cookie`: the cookie is stored, or deleted by a life of no seconds. */
  receive(setCookie: string | undefined): void {
    if (setCookie === undefined) return;
    this.cookie = setCookie.includes("; Max-Age=0;") ? undefined : setCookie.split(";")[0];
  }
}

/** A request under way. */
export interface OpenRequest {
  readonly session: RecordedSession;
  /** Ends it: the browser receives the answer. */
  commit(): Promise<Committed>;
}

export interface Visit<T> extends Committed {
  /** What the controller returned. */
  readonly value: T;
}

/** A store to put under a manager, and how many sessions it holds, expired ones too. */
export interface HeldStore {
  readonly store: SessionStore;
  size(): number;
}

export type SubjectOptions = Partial<Omit<SessionManagerOptions, "clock" | "store">> &
  Pick<MemoryStoreOptions, "maxSessions" | "maxSessionsPerOwner" | "maxSessionSize">;

export class Subject {
  readonly clock: FakeClock = fakeClock();
  readonly store: WatchedStore;
  readonly manager: SessionManager;
  /** What the manager told of. */
  readonly ended: (readonly [SessionEnd, string | undefined])[] = [];
  /** Lets the random source give too little. */
  isRandomBroken = false;
  readonly #held: HeldStore;

  constructor(options: SubjectOptions = {}, hold: HoldStore = holdMemoryStore) {
    const { maxSessions = 100, maxSessionsPerOwner = 20, maxSessionSize = 1000 } = options;
    this.#held = hold({
      clock: this.clock,
      onRemove: (session) => this.manager.removed(session),
      maxSessions,
      maxSessionsPerOwner,
      maxSessionSize,
    });
    this.store = new WatchedStore(this.#held.store);
    this.manager = new SessionManager({
      store: this.store,
      clock: this.clock,
      random: (size) => randomBytes(this.isRandomBroken ? size - 1 : size),
      onEnd: (...end) => void this.ended.push(end),
      ...options,
    });
  }

  /** How many sessions there are. */
  get size(): number {
    return this.#held.size();
  }

  /** Begins a request; the cookie is the one that the browser has now. */
  request(browser: Browser): OpenRequest {
    const { cookie } = browser;
    const session = this.manager.open(cookie);
    const commit = async (): Promise<Committed> => {
      const committed = await this.manager.commit(session, cookie);
      browser.receive(committed.cookie);
      return committed;
    };
    return { session, commit };
  }

  /** A whole request. */
  async visit<T>(
    browser: Browser,
    controller: (session: Session) => MaybePromise<T>,
  ): Promise<Visit<T>> {
    const { session, commit } = this.request(browser);
    const value = await controller(session);
    return { value, ...(await commit()) };
  }

  /** What a browser's session has for these keys, in a request that only reads. */
  async values(browser: Browser, ...keys: string[]): Promise<readonly (string | undefined)[]> {
    const read = (session: Session) => Promise.all(keys.map((key) => session.get(key)));
    return (await this.visit(browser, read)).value;
  }

  /** A browser that has a session of this owner, with data. */
  async logIn(owner: string, data: Record<string, string> = {}): Promise<Browser> {
    const browser = new Browser();
    await this.visit(browser, (session) => {
      session.start(owner);
      for (const [key, value] of Object.entries(data)) session.set(key, value);
    });
    return browser;
  }

  /** The handle of a browser's session. */
  async handle(browser: Browser): Promise<string | undefined> {
    return (await this.visit(browser, (session) => session.handle())).value;
  }
}

export type HoldStore = (options: MemoryStoreOptions & { readonly clock: FakeClock }) => HeldStore;

/** The store that answers at once. */
export function holdMemoryStore(options: MemoryStoreOptions): HeldStore {
  const store = new MemoryStore(options);
  return { store, size: () => store.size };
}

/** The two kinds of stores, and how to hold one. */
export const stores: readonly (readonly [string, HoldStore])[] = [
  ["over a store that answers at once", holdMemoryStore],
  [
    "over a store that answers with promises",
    ({ clock }) => {
      const store = new PlainStore(clock);
      return { store, size: () => store.sessions.size };
    },
  ],
];

/** Claims about a session manager, by name. */
export type Claims = Record<string, (subject: Subject) => Promise<void>>;

/** Runs claims as tests, over a store that answers at once and one that answers with promises. */
export function describeManager(about: string, claims: Claims, options?: SubjectOptions): void {
  for (const [kind, hold] of stores) {
    describe(`${about} ${kind}`, () => {
      for (const [claim, holds] of Object.entries(claims)) {
        test(claim, () => holds(new Subject(options, hold)));
      }
    });
  }
}
