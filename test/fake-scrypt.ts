// Stands in for scrypt where a test is about who may use it, not about what it computes.

import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import type { Scrypt } from "../src/login/password.ts";

function cheapKey(password: Uint8Array, salt: Uint8Array): Uint8Array {
  return createHash("sha256").update(salt).update(password).digest();
}

/** Answers at once. */
export const cheapScrypt: Scrypt = (password, salt, _length, _options, done) =>
  done(null, cheapKey(password, salt));

export interface HeldScrypt {
  readonly scrypt: Scrypt;
  /** The passwords of the calls so far. */
  texts(): readonly string[];
  /** Ends a call, and lets all that follows from it happen. */
  finish(index: number): Promise<void>;
}

/** Answers when the test says so, call by call, in any order. */
export function heldScrypt(): HeldScrypt {
  const started: { readonly text: string; finish(): void }[] = [];
  return {
    scrypt(password, salt, _length, _options, done): void {
      const finish = (): void => done(null, cheapKey(password, salt));
      started.push({ text: Buffer.from(password).toString(), finish });
    },
    texts: () => started.map(({ text }) => text),
    async finish(index: number): Promise<void> {
      started[index]?.finish();
      await setImmediate();
    },
  };
}
