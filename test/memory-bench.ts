// What a million sessions in memory cost. Not a test; run it with:
//
//   node --expose-gc --import tsx test/memory-bench.ts [sessions] [memory|visits|full|expire]

import { monitorEventLoopDelay } from "node:perf_hooks";
import { hashSessionId } from "../src/session-id.ts";
import { SessionManager } from "../src/session-manager.ts";
import type { SessionRecord } from "../src/session-store.ts";
import type { Session } from "../src/session.ts";
import { MemoryStore } from "../src/stores/memory-store.ts";
import { fakeClock } from "./fake-clock.ts";
import type { FakeClock } from "./fake-clock.ts";

const million = Number(process.argv[2] ?? 1_000_000);
const hour = 3_600_000;

function idOf(index: number): string {
  return String(index).padStart(43, "0");
}

function held(): number {
  for (let round = 0; round < 4; round++) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function recordOf(index: number, perOwner: number, clock: FakeClock): SessionRecord {
  // Made for each session, as from a request: texts that sessions shared would cost less.
  const owner = `user-${Math.floor(index / perOwner)}`;
  const data = new Map([["name", `User ${index}`]]);
  return { owner, data, createdAt: clock(), lastSeenAt: clock(), expiresAt: clock() + hour };
}

function fill(
  count: number,
  perOwner: number,
  maxSessions = 2 * count + 100_000,
): { store: MemoryStore; clock: FakeClock } {
  const clock = fakeClock();
  const store = new MemoryStore({ clock, maxSessions });
  for (let index = 0; index < count; index++) {
    clock.advance(index % 64 === 0 ? 1 : 0);
    store.create(hashSessionId(idOf(index)), recordOf(index, perOwner, clock));
  }
  return { store, clock };
}

function memory(perOwner: number): void {
  const before = held();
  const { store } = fill(million, perOwner);
  const bytes = (held() - before) / store.size;
  console.log(`${store.size} sessions, ${perOwner} per owner: ${bytes.toFixed(0)} bytes each`);
}

interface Job {
  /** What a visit brings: a cookie, or a name. */
  textOf(at: number): string;
  visit(text: string): Promise<void>;
}

/** Nanoseconds for one. */
async function time(job: Job, from: number, count: number): Promise<number> {
  // Made just before, and flat: as from a request that has just arrived.
  const texts = Array.from({ length: count }, (_, index) => {
    return Buffer.from(job.textOf(from + index)).toString("latin1");
  });
  const start = process.hrtime.bigint();
  for (const text of texts) await job.visit(text);
  return Number(process.hrtime.bigint() - start) / count;
}

/** What a session is asked for: of sessions anywhere in the store, or of the same thousand. */
function jobs(count: number, visited: number): Record<string, Job> {
  const { store, clock } = fill(count, 1);
  const manager = new SessionManager({ store, clock });
  const cookieOf = (at: number) => `__Host-session_id=${idOf(((at % visited) * 7919) % count)}`;
  const visit = async (cookie: string, use: (session: Session) => unknown) => {
    const session = manager.open(cookie);
    await use(session);
    await manager.commit(session, cookie);
  };
  return {
    get: { textOf: cookieOf, visit: (text) => visit(text, (session) => session.get("name")) },
    set: { textOf: cookieOf, visit: (text) => visit(text, (session) => session.set("cart", "17")) },
    create: {
      textOf: (at) => `new-${at}`,
      async visit(owner) {
        const session = manager.open(undefined);
        session.start(owner);
        session.set("name", `User of ${owner}`);
        await manager.commit(session, undefined);
      },
    },
  };
}

/** Both take turns, and the least of the rounds counts: the rest of the machine only ever adds. */
async function compare(visited: number, where: string): Promise<void> {
  const few = jobs(1000, Math.min(visited, 1000));
  const many = jobs(million, visited);
  const [rounds, count] = [15, 2000];
  for (const [what, job] of Object.entries(few)) {
    let [least, leastOfMany] = [Infinity, Infinity];
    for (let round = 0; round < rounds; round++) {
      least = Math.min(least, await time(job, round * count, count));
      leastOfMany = Math.min(leastOfMany, await time(many[what] ?? job, round * count, count));
    }
    const figures = `${least.toFixed(0)} ns at 1000, ${leastOfMany.toFixed(0)} ns at ${million}`;
    console.log(`${what}, ${where}: ${figures}, ratio ${(leastOfMany / least).toFixed(2)}`);
  }
}

/** What a login takes that a full store refuses. */
function full(): void {
  const { store, clock } = fill(million, 1, million);
  const taken: number[] = [];
  for (let index = 0; index < 1000; index++) {
    const [key, record] = [hashSessionId(`late ${index}`), recordOf(million + index, 1, clock)];
    const began = performance.now();
    try {
      store.create(key, record);
    } catch {
      taken.push(performance.now() - began);
    }
  }
  console.log(`${taken.length} logins refused by a full store: ${spread(taken)}`);
}

function spread(times: readonly number[]): string {
  const sorted = times.toSorted((one, other) => one - other);
  const [median, most, longest] = [0.5, 0.99, 1].map((part) =>
    sorted[Math.ceil(part * sorted.length) - 1]?.toFixed(1),
  );
  return `median ${median} ms, 99th percentile ${most} ms, longest ${longest} ms`;
}

/** The sweep as fast as it can go: in use there are 60 ms between its steps. */
async function expire(): Promise<void> {
  const before = held();
  let due: (() => void) | undefined;
  const clock = fakeClock();
  const schedule = (callback: () => void) => void (due = callback);
  const store = new MemoryStore({ clock, maxSessions: million, schedule });
  for (let index = 0; index < million; index++) {
    store.create(hashSessionId(idOf(index)), recordOf(index, 1, clock));
  }
  const full = held() - before;
  clock.advance(hour);
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  const steps: number[] = [];
  const busy: number[] = [];
  for (let step = due; step !== undefined; step = due) {
    due = undefined;
    await new Promise((resolve) => setImmediate(resolve));
    const began = performance.now();
    const usage = process.cpuUsage();
    step();
    const { user, system } = process.cpuUsage(usage);
    busy.push((user + system) / 1000);
    steps.push(performance.now() - began);
  }
  await new Promise((resolve) => setTimeout(resolve, 20));
  delays.disable();
  console.log(`${million} expire in ${steps.length} steps; ${store.size} are left`);
  console.log(`step, elapsed: ${spread(steps)}`);
  // Of all threads, the garbage collector's too; what others do on the machine does not count.
  console.log(`step, processor: ${spread(busy)}`);
  console.log(`longest event-loop delay ${(delays.max / 1e6).toFixed(1)} ms`);
  const left = held() - before;
  console.log(`memory: ${(full / 1e6).toFixed(1)} MB full, ${(left / 1e6).toFixed(2)} MB after`);
}

const parts: Record<string, () => void | Promise<void>> = {
  memory() {
    memory(1);
    memory(10);
  },
  async visits() {
    await compare(1000, "of the same thousand sessions");
    await compare(30_000, "of sessions anywhere");
  },
  full,
  expire,
};
for (const [name, run] of Object.entries(parts)) {
  if ((process.argv[3] ?? name) === name) await run();
}
