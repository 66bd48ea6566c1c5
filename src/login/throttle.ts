// How often passwords may be tried: by address, by account, and by both. Nobody is locked out.

import { createHmac, randomBytes } from "node:crypto";

const second = 1_000;
const day = 24 * 60 * 60 * second;

/**
 * Whether a password may be tried now. A try that is allowed is spent at once, so that many at the
 * same time cannot exceed the limit. It stays spent unless it is given back.
 */
export type Attempt =
  | {
      readonly allowed: true;
      /** The password was right: gives the try back, and knows the account here from now on. */
      succeed(): void;
      /** The password was not checked, for some other reason: gives the try back. */
      release(): void;
    }
  /** Seconds, a whole number, until a try is free. */
  | { readonly allowed: false; readonly retryAfter: number };

/** How a throttle is made. */
export interface LoginThrottleOptions {
  /**
   * How many entries each of its four tables holds, besides those of addresses that are known.
   * Default: 10,000.
   */
  readonly maxEntries?: number;
  /** Milliseconds since any moment, by a clock that is never set back: not `Date.now`. */
  readonly clock?: () => number;
}

/** Limits guesses before anything is hashed, alike for names that exist and names that do not. */
export class LoginThrottle {
  readonly #clock: () => number;
  readonly #maxEntries: number;
  readonly #secret = randomBytes(32);
  readonly #byAddress: TokenBuckets;
  readonly #byAccountAndAddress: TokenBuckets;
  readonly #byAccount: TokenBuckets;
  readonly #lastLogins = new Map<string, number>();

  constructor(options: LoginThrottleOptions = {}) {
    const { maxEntries = 10_000, clock = () => performance.now() } = options;
    // Whole milliseconds: their sums are exact, and no try is lost to rounding.
    this.#clock = () => Math.floor(clock());
    this.#maxEntries = maxEntries;
    this.#byAddress = new TokenBuckets(30, 10 * second, maxEntries);
    this.#byAccountAndAddress = new TokenBuckets(5, 30 * second, maxEntries);
    // Guesses from everywhere: 20, then one in 2 s, shared by the addresses new to the account.
    this.#byAccount = new TokenBuckets(20, 2 * second, maxEntries);
  }

  /** Asks for one try at an account, whether or not it exists, from an IP address. */
  attempt(account: string, address: string): Attempt {
    const now = this.#clock();
    const network = networkOf(address);
    const pair = this.#key(account, network);
    const tables: [TokenBuckets, string][] = [
      [this.#byAddress, this.#key(network)],
      [this.#byAccountAndAddress, pair],
    ];
    // Where the owner logged in lately, guesses from elsewhere do not stand in the way: neither
    // those at this account, nor those that have filled a table.
    const isKnown = now - (this.#lastLogins.get(pair) ?? -Infinity) <= 30 * day;
    if (!isKnown) tables.push([this.#byAccount, this.#key(account)]);

    const buckets = tables.map(([table, key]) => {
      return { table, place: isKnown ? key : table.place(key, now) };
    });
    const wait = Math.max(...buckets.map(({ table, place }) => table.wait(place, now)));
    if (wait > 0) return { allowed: false, retryAfter: Math.ceil(wait / second) };

    for (const { table, place } of buckets) table.take(place, now);
    let isSpent = true;
    const release = (): void => {
      if (isSpent) for (const { table, place } of buckets) table.giveBack(place, this.#clock());
      isSpent = false;
    };
    const succeed = (): void => {
      release();
      this.#remember(pair);
    };
    return { allowed: true, succeed, release };
  }

  // Only a right password writes here, so the oldest can go: guesses push nobody out.
  #remember(pair: string): void {
    this.#lastLogins.delete(pair);
    this.#lastLogins.set(pair, this.#clock());
    const [oldest = pair] = this.#lastLogins.keys();
    if (this.#lastLogins.size > this.#maxEntries) this.#lastLogins.delete(oldest);
  }

  // Keys of one size, whatever was typed, and no names in memory.
  #key(...parts: readonly string[]): string {
    return createHmac("sha256", this.#secret).update(JSON.stringify(parts)).digest("base64url");
  }
}

/** Token buckets by key. A bucket is one number: the time at which it will be full again. */
class TokenBuckets {
  readonly #fullAt = new Map<string, number>();
  readonly #interval: number;
  readonly #fillTime: number;
  readonly #maxEntries: number;

  constructor(capacity: number, interval: number, maxEntries: number) {
    this.#interval = interval;
    this.#fillTime = capacity * interval;
    this.#maxEntries = maxEntries;
  }

  // A full table sends new keys to one bucket: to drop an entry would let its maker start anew.
  place(key: string, now: number): string {
    if (this.#fullAt.size >= this.#maxEntries) {
      for (const [other, fullAt] of this.#fullAt) if (fullAt <= now) this.#fullAt.delete(other);
    }
    return this.#fullAt.has(key) || this.#fullAt.size < this.#maxEntries ? key : "overflow";
  }

  // A try puts the time off by an interval. It may be no further off than a whole filling.
  wait(place: string, now: number): number {
    return Math.max(0, this.#whenFull(place, now) + this.#interval - this.#fillTime - now);
  }

  take(place: string, now: number): void {
    this.#fullAt.set(place, this.#whenFull(place, now) + this.#interval);
  }

  giveBack(place: string, now: number): void {
    this.#fullAt.set(place, this.#whenFull(place, now) - this.#interval);
  }

  #whenFull(place: string, now: number): number {
    return Math.max(this.#fullAt.get(place) ?? now, now);
  }
}

/**
 * What one client has: an IPv4 address, or the IPv6 /64 of its link (RFC 4291, section 2.5.4). A
 * site may have many (RFC 6177): then the count by account has to do. An IPv4 address is written as
 * it stands in an IPv6 one (RFC 4291, section 2.5.5.2): some servers see it so.
 */
function networkOf(address: string): string {
  const plain = address.replace(/%.*/, ""); // The zone of a link-local address.
  const url = `http://[${plain.includes(":") ? plain : `::ffff:${plain}`}]`;
  if (!/^[\da-f.:]+$/i.test(plain) || !URL.canParse(url)) return address;
  // The URL parser knows every way to write an address, and writes its one short form (RFC 5952).
  const short = new URL(url).hostname.slice(1, -1);
  if (/^::ffff:[\da-f]+:[\da-f]+$/.test(short)) return short;
  const zeros = 8 - short.split(":").filter((group) => group !== "").length;
  const groups = short.replace("::", `:${"0:".repeat(zeros)}`).split(":");
  return groups.filter((group) => group !== "").slice(0, 4).join(":");
}
