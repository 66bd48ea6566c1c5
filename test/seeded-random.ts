// Random choices that a printed seed repeats: mulberry32, for tests only.

export interface SeededRandom {
  readonly seed: number;
  /** A whole number from 0 up to, but not including, `limit`. */
  below(limit: number): number;
  /** One of the given values. */
  pick<T>(values: readonly [T, ...T[]]): T;
}

/** Reads the seed from the variable SEED, or takes a new one. */
export function seedFromEnvironment(): number {
  const given = Number(process.env["SEED"]);
  return Number.isInteger(given) && given > 0 ? given : Math.floor(Math.random() * 2 ** 31) + 1;
}

export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  function below(limit: number): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  }
  function pick<T>(values: readonly [T, ...T[]]): T {
    return values[below(values.length)] ?? values[0];
  }
  return { seed, below, pick };
}
