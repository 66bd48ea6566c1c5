// A clock that moves only when a test says so.

export interface FakeClock {
  (): number;
  advance(milliseconds: number): void;
}

/** Milliseconds since the epoch, starting on a fixed day. */
export function fakeClock(start: number = Date.UTC(2026, 0, 1)): FakeClock {
  let now = start;
  return Object.assign(() => now, {
    advance(milliseconds: number): void {
      now += milliseconds;
    },
  });
}
