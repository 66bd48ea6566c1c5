// RedisStore keeps the contract on a real redis-server, through each client.

import { after } from "node:test";
import { setTimeout } from "node:timers/promises";
import { RedisStore } from "../../src/stores/redis-store.ts";
import { describeStore } from "../store-contract.ts";
import { clients, startRedis } from "./redis-server.ts";

const server = await startRedis();
after(() => server.stop());
let stores = 0;

for (const [name, connect] of Object.entries(clients)) {
  describeStore(`RedisStore through ${name}`, async () => {
    const { send, close } = await connect(server.port);
    const store = new RedisStore(send, { prefix: `test-${++stores}:` });
    // The clock is Redis's own: time has to be waited for.
    const advance = (milliseconds: number) => setTimeout(Math.max(0, milliseconds) + 1);
    return { store, now: Date.now, advance, tick: 50, breakDown: close, close };
  });
}
