// Runs a fuzzer over seeded inputs, and makes one that fails as small as it can.

import type { Fuzzer } from "./fuzzers.ts";
import { seededRandom } from "./seeded-random.ts";

export interface Failure {
  readonly fuzzer: string;
  /** With this one it is the first input. */
  readonly seed: number;
  /** The smallest input that was found to fail. */
  readonly pieces: readonly string[];
  readonly error: unknown;
}

/** Tries so many inputs, each with a seed of its own from this one on; answers the first failure. */
export async function fuzz(fuzzer: Fuzzer, seed: number, inputs: number): Promise<Failure | undefined> {
  for (let index = 0; index < inputs; index++) {
    const pieces = fuzzer.generate(seededRandom(seed + index));
    const error = await errorOf(fuzzer, pieces);
    if (error === undefined) continue;
    return { fuzzer: fuzzer.name, seed: seed + index, ...(await shrink(fuzzer, pieces, error)) };
  }
  return undefined;
}

/** What a reader needs to repeat a failure. */
export function report({ fuzzer, seed, pieces, error }: Failure): string {
  return `${fuzzer}, SEED=${seed}, shrunk to ${JSON.stringify(pieces)}: ${error}`;
}

async function errorOf({ check }: Fuzzer, pieces: readonly string[]): Promise<unknown> {
  try {
    await check(pieces);
    return undefined;
  } catch (error) {
    return error ?? new Error("It threw nothing");
  }
}

/** Leaves out runs of pieces, long ones first, then halves of pieces, until nothing more can go. */
async function shrink(fuzzer: Fuzzer, failing: readonly string[], first: unknown) {
  let [pieces, error] = [failing, first];
  async function take(smaller: readonly string[]): Promise<boolean> {
    const found = await errorOf(fuzzer, smaller);
    // Another kind of error is another fault: this one would be lost.
    if (kindOf(found) !== kindOf(first)) return false;
    [pieces, error] = [smaller, found];
    return true;
  }
  for (let before = -1; before !== pieces.join().length; ) {
    before = pieces.join().length;
    for (let run = pieces.length; run >= 1; run = Math.floor(run / 2)) {
      for (let at = 0; at < pieces.length; ) {
        if (!(await take([...pieces.slice(0, at), ...pieces.slice(at + run)]))) at += run;
      }
    }
    for (let at = 0; at < pieces.length; at++) {
      for (let piece = pieces[at] ?? ""; piece.length > 1; piece = pieces[at] ?? "") {
        const middle = piece.length >> 1;
        const halves = [piece.slice(0, middle), piece.slice(middle)];
        let isSmaller = false;
        for (const half of halves) isSmaller ||= await take(pieces.with(at, half));
        if (!isSmaller) break;
      }
    }
  }
  return { pieces, error };
}

function kindOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}
