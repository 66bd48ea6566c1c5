// Passwords: hashed with scrypt, and checked by few at once, with the same work for every name.

import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import type { RandomSource } from "../session-id.ts";

/** The parameters that a hash may have, written as in the hash. */
export type ScryptParameters =
  "ln=17,r=8,p=1" | "ln=16,r=8,p=2" | "ln=15,r=8,p=3" | "ln=14,r=8,p=5";

// From the OWASP Password Storage Cheat Sheet: rows of equal strength, memory traded for time.
const costs: Readonly<Record<ScryptParameters, { N: number; r: number; p: number }>> = {
  "ln=17,r=8,p=1": { N: 2 ** 17, r: 8, p: 1 },
  "ln=16,r=8,p=2": { N: 2 ** 16, r: 8, p: 2 },
  "ln=15,r=8,p=3": { N: 2 ** 15, r: 8, p: 3 },
  "ln=14,r=8,p=5": { N: 2 ** 14, r: 8, p: 5 },
};

/** How passwords are hashed and checked: how many at once, how many waiting, and how long (ms). */
export interface PasswordOptions {
  readonly parameters?: ScryptParameters;
  readonly maxRunning?: number;
  readonly maxQueued?: number;
  readonly waitTimeout?: number;
  readonly clock?: () => number;
  readonly random?: RandomSource;
  /** Stands in for scrypt, in tests alone: what a cheaper function computes protects nothing. */
  readonly deriveKey?: typeof scryptKey;
}

const defaults = {
  parameters: "ln=17,r=8,p=1",
  // One scrypt takes a core and about 170 MB for 300 ms: two leave the server able to answer.
  maxRunning: 2,
  maxQueued: 32,
  waitTimeout: 5_000,
  clock: () => performance.now(),
  random: randomBytes,
  deriveKey: scryptKey,
} as const satisfies PasswordOptions;

/**
 * Hashes a password as `$scrypt$ln=17,r=8,p=1$salt$hash` (PHC string format).
 *
 * @throws {TypeError} when the password is empty, contains NUL or is over 256 bytes of UTF-8.
 */
export async function hashPassword(
  password: string,
  options: PasswordOptions = {},
): Promise<string> {
  const { parameters, random, deriveKey } = { ...defaults, ...options };
  const bytes = bytesOf(password);
  if (bytes.length === 0) throw new TypeError("Cannot hash the password: it is empty");
  if (bytes.includes(0)) throw new TypeError("Cannot hash the password: it contains NUL");
  if (bytes.length > 256) throw new TypeError("Cannot hash the password: it is over 256 bytes");
  const salt = random(16);
  return format({ parameters, salt, key: await deriveKey(bytes, salt, parameters) });
}

/** Tells whether a text is a hash that can be checked: exactly as `hashPassword` writes it. */
export function isPasswordHash(text: string): boolean {
  return parse(text) !== undefined;
}

/** Too many passwords wait to be checked: nothing was decided about this one. */
export class PasswordCheckerBusyError extends Error {
  override readonly name = "PasswordCheckerBusyError";
  /** Seconds after which to try again. */
  readonly retryAfter: number;

  constructor(retryAfter: number) {
    super("Cannot check the password: too many others are waiting");
    this.retryAfter = retryAfter;
  }
}

/**
 * Checks and hashes passwords, a few at once; the others wait in a queue of limited length. Its
 * methods throw a `PasswordCheckerBusyError` when the queue is full or the wait was too long, and
 * the reason of the request's signal when it aborts meanwhile: a client that left costs nothing.
 */
export class PasswordChecker {
  readonly #options: Required<PasswordOptions>;
  readonly #decoy: PasswordHash;
  readonly #queue = new Set<Waiter>();
  #running = 0;

  constructor(options: PasswordOptions = {}) {
    this.#options = { ...defaults, ...options };
    const { parameters, random } = this.#options;
    this.#decoy = { parameters, salt: random(16), key: random(32) };
  }

  /**
   * Tells whether this is the password of the hash. Without a hash, for a name that nobody has,
   * the answer is no, after the same work: its time does not tell who has an account. A password
   * over 256 bytes is wrong at once, whoever's it is.
   *
   * @throws {TypeError} when the hash is not one that `hashPassword` writes.
   */
  async check(password: string, hash: string | undefined, signal?: AbortSignal): Promise<boolean> {
    const expected = hash === undefined ? this.#decoy : parse(hash);
    if (expected === undefined) throw new TypeError("Cannot check a password: malformed hash");
    const bytes = bytesOf(password);
    if (bytes.length > 256) return false;
    const { deriveKey } = this.#options;
    const key = await this.#inTurn(signal, () =>
      deriveKey(bytes, expected.salt, expected.parameters),
    );
    // HMAC pads short keys with zero bytes: to scrypt, "P" and "P\0" are the same password.
    return timingSafeEqual(key, expected.key) && hash !== undefined && !bytes.includes(0);
  }

  /** Hashes a password as the function `hashPassword` does, after waiting as `check` does. */
  hash(password: string, signal?: AbortSignal): Promise<string> {
    return this.#inTurn(signal, () => hashPassword(password, this.#options));
  }

  /** Tells whether a hash has other parameters than those in use now. */
  needsRenewal(hash: string): boolean {
    return parse(hash)?.parameters !== this.#options.parameters;
  }

  async #inTurn<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    signal?.throwIfAborted();
    if (this.#running < this.#options.maxRunning) this.#running += 1;
    else await this.#wait(signal);
    try {
      return await work();
    } finally {
      this.#running -= 1;
      this.#startNext();
    }
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    if (this.#queue.size >= this.#options.maxQueued) throw this.#busy();
    return new Promise((start, refuse) => {
      const waiter: Waiter = { since: this.#options.clock(), start, refuse };
      this.#queue.add(waiter);
      signal?.addEventListener("abort", () => {
        this.#queue.delete(waiter);
        refuse(signal.reason);
      });
    });
  }

  // The longest wait is in front, and a place is free every few 100 ms: no timer is needed.
  #startNext(): void {
    const { clock, waitTimeout } = this.#options;
    for (const waiter of this.#queue) {
      this.#queue.delete(waiter);
      if (clock() - waiter.since <= waitTimeout) {
        this.#running += 1;
        return waiter.start();
      }
      waiter.refuse(this.#busy());
    }
  }

  #busy(): PasswordCheckerBusyError {
    return new PasswordCheckerBusyError(Math.ceil(this.#options.waitTimeout / 1_000));
  }
}

interface Waiter {
  readonly since: number;
  start(): void;
  refuse(reason: unknown): void;
}

interface PasswordHash {
  readonly parameters: ScryptParameters;
  readonly salt: Uint8Array;
  readonly key: Uint8Array;
}

// One keyboard sends "é" as one character, another as two (RFC 8265, section 4.2).
function bytesOf(password: string): Buffer {
  return Buffer.from(password.normalize("NFC"));
}

function scryptKey(
  password: Uint8Array,
  salt: Uint8Array,
  parameters: ScryptParameters,
): Promise<Uint8Array> {
  const cost = costs[parameters];
  // Twice what scrypt needs: the default limit of 32 MiB refuses every row but the last.
  const options = { ...cost, maxmem: 256 * cost.N * cost.r };
  return new Promise((resolve, reject) => {
    scrypt(password, salt, 32, options, (error, key) => (error ? reject(error) : resolve(key)));
  });
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64").replaceAll("=", "");
}

function format({ parameters, salt, key }: PasswordHash): string {
  return `$scrypt$${parameters}$${base64(salt)}$${base64(key)}`;
}

/** Tells whether a text names one of the four costs. */
export function isScryptParameters(text: string): text is ScryptParameters {
  return Object.hasOwn(costs, text);
}

function parse(text: string): PasswordHash | undefined {
  const [, , parameters = "", salt = "", key = ""] = text.split("$");
  if (!isScryptParameters(parameters)) return undefined;
  const hash = { parameters, salt: Buffer.from(salt, "base64"), key: Buffer.from(key, "base64") };
  if (hash.salt.length !== 16 || hash.key.length !== 32) return undefined;
  // Decoding forgives much. What is not written back the same was not written by us.
  return format(hash) === text ? hash : undefined;
}
