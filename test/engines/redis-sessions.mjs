// A module for SESSION_STORE: sessions in the Redis that REDIS_URL names.

import { once } from "node:events";
import { Redis } from "ioredis";
import { RedisStore } from "../../src/stores/redis-store.ts";

// A command is sent now or never: what waits in a queue, or is sent again, may be done too late.
const neverLate = { enableOfflineQueue: false, autoResendUnfulfilledCommands: false };
const redis = new Redis(process.env.REDIS_URL ?? "", { ...neverLate, socketTimeout: 3000 });
redis.on("error", () => {}); // It connects again by itself.
await once(redis, "ready");

export default new RedisStore((...command) => redis.call(...command));
