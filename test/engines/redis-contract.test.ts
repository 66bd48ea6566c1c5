// RedisStore keeps the contract on a real redis-server, through each client and by either clock.

import { after } from "node:test";
import { setTimeout } from "node:timers/promises";
import { RedisStore } from "../../src/stores/redis-store.ts";
import { fakeClock } from "../fake-clock.ts";
import { describeStore } from "../store-contract.ts";
import { clients, startRedis } from "./redis-server.ts";

const server = await startRedis();
after(() => server.stop());
let stores = 0;

for (const [name, connect] of Object.entries(clients)) {
  describeStore(`RedisStore through ${name}, by the store's clock`, async () => {
    // Redis's clock runs too: within a minute's tick it ends nothing by itself.
    const clock = fakeClock(Date.now());
    const { send, close } = await connect(server.port);
    const store = new RedisStore(send, { clock, prefix: `test-${++stores}:` });
    const time = { now: clock, advance: clock.advance, tick: 60_000 };
    return { store, ...time, breakDown: close, close };
  });

  describeStore(`RedisStore through ${name}, by Redis's clock alone`, async () => {
    const { send, close } = await connect(server.port);
    const store = new RedisStore(send, { clock: () => 0, prefix: `test-${++stores}:` });
    const advance = (milliseconds: number) => setTimeout(milliseconds + 2);
    return { store, now: Date.now, advance, tick: 50, breakDown: close, close };
  });
}
