// RedisStore keeps the contract on a Redis Cluster of three: no script needs two slots.

import assert from "node:assert/strict";
import { once } from "node:events";
import { after } from "node:test";
import { setTimeout } from "node:timers/promises";
import { Cluster } from "ioredis";
import { createCluster } from "redis";
import { RedisStore } from "../../src/stores/redis-store.ts";
import { describeStore } from "../store-contract.ts";
import { clients, startRedis } from "./redis-server.ts";
import type { Connection } from "./redis-server.ts";

const options = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"];
const servers = await Promise.all([1, 2, 3].map(() => startRedis(...options)));
after(() => Promise.all(servers.map((server) => server.stop())));
const ports = servers.map((server) => server.port);
await join();
let stores = 0;

describeStore("RedisStore on a cluster, through redis", async () => {
  const rootNodes = ports.map((port) => ({ socket: { port, host: "127.0.0.1" } }));
  const cluster = createCluster({ rootNodes });
  cluster.on("error", () => {});
  await cluster.connect();
  return subject({
    // Every command is EVAL script 1 key: the key says which machine is to have it.
    send: (...args) => cluster.sendCommand(args[3], false, args),
    close: () => void (cluster.isOpen && cluster.destroy()),
  });
});

describeStore("RedisStore on a cluster, through ioredis", async () => {
  const cluster = new Cluster(ports.map((port) => ({ port, host: "127.0.0.1" })));
  cluster.on("error", () => {});
  await once(cluster, "ready");
  return subject({
    send: (...args) => cluster.call(...args),
    close: () => cluster.disconnect(),
  });
});

function subject({ send, close }: Connection) {
  const store = new RedisStore(send, { prefix: `test-${++stores}:` });
  const advance = (milliseconds: number) => setTimeout(Math.max(0, milliseconds) + 1);
  return { store, now: Date.now, advance, tick: 50, breakDown: close, close };
}

/** Makes the three servers one cluster, each with a third of the slots. */
async function join(): Promise<void> {
  const nodes = await Promise.all(ports.map((port) => clients.ioredis(port)));
  for (const [index, node] of nodes.entries()) {
    const slots = [Math.ceil((index * 16384) / 3), Math.ceil(((index + 1) * 16384) / 3) - 1];
    await node.send("CLUSTER", "ADDSLOTSRANGE", ...slots.map(String));
    await node.send("CLUSTER", "SET-CONFIG-EPOCH", String(index + 1));
  }
  for (const port of ports) await nodes[0]?.send("CLUSTER", "MEET", "127.0.0.1", String(port));
  for (const node of nodes) {
    const isReady = async () => /state:ok/.test(String(await node.send("CLUSTER", "INFO")));
    for (let tries = 0; !(await isReady()); tries++) {
      assert.ok(tries < 200, "Cannot make a cluster");
      await setTimeout(50);
    }
    node.close();
  }
}
