// RedisStore keeps the contract on a real redis-server, through each client.

import { after } from "node:test";
import { setTimeout } from "node:timers/promises";
import { GlideClient } from "@valkey/valkey-glide";
import { Redis as Valkey } from "iovalkey";
import type { MaybePromise } from "../../src/session-store.ts";
import { RedisStore } from "../../src/stores/redis-store.ts";
import type { SendCommand } from "../../src/stores/redis-store.ts";
import { describeStore } from "../store-contract.ts";
import { clients, startRedis } from "./redis-server.ts";
import type { Connection } from "./redis-server.ts";

const server = await startRedis();
after(() => server.stop());
let stores = 0;

const valkeyClients = {
  async iovalkey(port: number): Promise<Connection> {
    const client = new Valkey({ port, lazyConnect: true, retryStrategy: () => null });
    client.on("error", () => {});
    await client.connect();
    return {
      send: (...args) => client.call(...args),
      close: () => client.disconnect(),
    };
  },
  async "valkey-glide"(port: number): Promise<Connection> {
    const client = await GlideClient.createClient({ addresses: [{ host: "127.0.0.1", port }] });
    return { send: (...command) => client.customCommand(command), close: () => client.close() };
  },
};

for (const [name, connect] of Object.entries({ ...clients, ...valkeyClients })) {
  describeStore(`RedisStore through ${name}`, async () => {
    const { send, close } = await connect(server.port);
    let before: () => MaybePromise<void> = () => {};
    const sendInTurn: SendCommand = async (...args) => {
      await before();
      return send(...args);
    };
    const store = new RedisStore(sendInTurn, { prefix: `test-${++stores}:` });
    // The clock is Redis's own: time has to be waited for.
    const advance = (milliseconds: number) => setTimeout(Math.max(0, milliseconds) + 1);
    const intercept = (hook: typeof before): void => void (before = hook);
    return { store, now: Date.now, advance, tick: 50, breakDown: close, intercept, close };
  });
}
