// When a session ends by time: by the idle time-out, or by the absolute one, whichever is earlier.

import type { SessionRecord } from "./session-store.ts";

/** The two time-outs, in milliseconds, and a clock that never goes back. */
export class SessionTimeouts {
  readonly #idle: number;
  readonly #absolute: number;
  readonly #clock: () => number;
  #latest = -Infinity;

  constructor(idle: number, absolute: number, clock: () => number) {
    this.#idle = idle;
    this.#absolute = absolute;
    this.#clock = clock;
  }

  /** The times of a session that is used now; one without `createdAt` is started now. */
  used(createdAt?: number): Pick<SessionRecord, "lastSeenAt" | "expiresAt"> {
    const now = this.#now();
    const deadline = (createdAt ?? now) + this.#absolute;
    return { lastSeenAt: now, expiresAt: Math.min(now + this.#idle, deadline) };
  }

  /** Tells whether a session still exists, whatever its store believes. */
  isAlive(record: SessionRecord | undefined): record is SessionRecord {
    // Read for an absent one too: if it has expired, a clock set back must not show it again.
    const now = this.#now();
    if (record === undefined) return false;
    return now < record.expiresAt && now < record.createdAt + this.#absolute;
  }

  /** Tells whether a use is to be written: once in a tenth of the idle time-out is enough. */
  isUpdateDue(record: SessionRecord): boolean {
    return this.#now() - record.lastSeenAt >= this.#idle / 10;
  }

  /** Tells which time-out ended a session, or that it was removed before its time. */
  endOf(record: SessionRecord): "idle" | "absolute" | "replaced" {
    if (this.#now() < record.expiresAt) return "replaced";
    return record.expiresAt >= record.createdAt + this.#absolute ? "absolute" : "idle";
  }

  /** The time, in whole milliseconds. Set back, the clock stands still: no session lives again. */
  #now(): number {
    return (this.#latest = Math.max(this.#latest, Math.floor(this.#clock())));
  }
}
