// Checks passwords a few at once, because scrypt takes a core and about 170 MB for 300 ms.

import { decoyHash, defaultParameters, hashPassword } from "./password.ts";
import { parametersOf, verifyPassword } from "./password.ts";
import type { HashOptions } from "./password.ts";

/** How long a check may wait for its turn, in milliseconds. */
const waitTimeout = 5_000;

/** How many passwords are checked at once (2), and how many may wait (32). */
export interface PasswordCheckerOptions extends HashOptions {
  readonly maxRunning?: number;
  readonly maxQueued?: number;
  /** Milliseconds since any moment, by a clock that is never set back: not `Date.now`. */
  readonly clock?: () => number;
}

const defaults = { maxRunning: 2, maxQueued: 32, clock: () => performance.now() };

/** A password got no turn: too many wait, or its client has left. Nothing was decided about it. */
export class PasswordCheckerBusyError extends Error {
  override readonly name = "PasswordCheckerBusyError";
  /** Seconds after which to try again. */
  readonly retryAfter: number = waitTimeout / 1_000;

  constructor() {
    super("Cannot check the password: too many others are waiting");
  }
}

/** Whose password it is: the request, say. */
export interface Client {
  readonly hasLeft?: boolean;
}

interface Waiter {
  readonly since: number;
  readonly client: Client;
  start(): void;
  refuse(reason: PasswordCheckerBusyError): void;
}

/**
 * Checks and hashes passwords in turn. Both throw a `PasswordCheckerBusyError` when the queue is
 * full, the wait was too long, or the client left meanwhile: in the queue, that costs nothing.
 */
export class PasswordChecker {
  readonly #options: typeof defaults & HashOptions;
  readonly #decoy: string;
  readonly #queue = new Set<Waiter>();
  #running = 0;

  /** @throws {RangeError} when no check could run. */
  constructor(options: PasswordCheckerOptions = {}) {
    this.#options = { ...defaults, ...options };
    const { maxRunning, maxQueued } = this.#options;
    // Also what is no number at all: every check would wait for ever.
    if (!(maxRunning >= 1 && maxQueued >= 0)) {
      throw new RangeError(`Cannot check ${maxRunning} passwords at once, ${maxQueued} waiting`);
    }
    this.#decoy = decoyHash(options.parameters);
  }

  /**
   * Tells whether this is the password of the hash. Without a hash, for a name that nobody has,
   * the answer is no, after the same work: its time does not tell who has an account.
   *
   * @throws {TypeError} when the hash is not one that `hashPassword` writes.
   */
  async check(password: string, hash: string | undefined, client: Client = {}): Promise<boolean> {
    const isRight = await this.#inTurn(client, () =>
      verifyPassword(password, hash ?? this.#decoy, this.#options),
    );
    return isRight && hash !== undefined;
  }

  /** Hashes a password as `hashPassword` does. */
  hash(password: string, client: Client = {}): Promise<string> {
    return this.#inTurn(client, () => hashPassword(password, this.#options));
  }

  /** Tells whether a hash has other parameters than `hash` would give it. */
  needsRenewal(hash: string): boolean {
    const { parameters = defaultParameters } = this.#options;
    return parametersOf(hash) !== parameters;
  }

  async #inTurn<T>(client: Client, work: () => Promise<T>): Promise<T> {
    if (this.#running < this.#options.maxRunning) this.#running += 1;
    else await this.#wait(client);
    try {
      return await work();
    } finally {
      this.#running -= 1;
      this.#startNext();
    }
  }

  #wait(client: Client): Promise<void> {
    const { clock, maxQueued } = this.#options;
    for (const waiter of this.#queue) if (waiter.client.hasLeft) this.#refuse(waiter);
    if (this.#queue.size >= maxQueued) throw new PasswordCheckerBusyError();
    return new Promise((start, refuse) => {
      this.#queue.add({ since: clock(), client, start, refuse });
    });
  }

  // The longest wait is in front, and a place is free every few 100 ms: no timer is needed.
  #startNext(): void {
    for (const waiter of this.#queue) {
      const isInTime = this.#options.clock() - waiter.since <= waitTimeout;
      if (isInTime && !waiter.client.hasLeft) {
        this.#queue.delete(waiter);
        this.#running += 1;
        return waiter.start();
      }
      this.#refuse(waiter);
    }
  }

  #refuse(waiter: Waiter): void {
    this.#queue.delete(waiter);
    waiter.refuse(new PasswordCheckerBusyError());
  }
}
