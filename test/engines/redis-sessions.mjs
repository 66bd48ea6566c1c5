// A module for SESSION_STORE: sessions in the Redis that REDIS_URL names.

import { createClient } from "redis";
import { RedisStore } from "../../src/stores/redis-store.ts";

export default async function redisSessions() {
  // Without a connection a command fails at once: what waits in a queue may be done too late.
  const client = createClient({ url: process.env.REDIS_URL, disableOfflineQueue: true });
  client.on("error", () => {}); // It connects again by itself.
  await client.connect();
  return new RedisStore((...args) => client.sendCommand(args));
}
