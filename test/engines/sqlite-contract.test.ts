// SqliteStore keeps the contract on real files, with either module.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import BetterSqlite from "better-sqlite3";
import { SqliteStore } from "../../src/stores/sqlite-store.ts";
import type { SqliteDatabase } from "../../src/stores/sqlite-store.ts";
import { fakeClock } from "../fake-clock.ts";
import { describeStore } from "../store-contract.ts";

const modules: Record<string, (path: string) => SqliteDatabase & { close(): unknown }> = {
  "node:sqlite": (path) => new DatabaseSync(path),
  "better-sqlite3": (path) => new BetterSqlite(path),
};

for (const [name, open] of Object.entries(modules)) {
  describeStore(`SqliteStore on ${name}`, async () => {
    const directory = await mkdtemp(join(tmpdir(), "plinth-sqlite-"));
    const database = open(join(directory, "sessions.db"));
    const clock = fakeClock();
    let isOpen = true;
    const breakDown = (): void => {
      if (isOpen) database.close();
      isOpen = false;
    };
    const close = async (): Promise<void> => {
      breakDown();
      await rm(directory, { recursive: true });
    };
    const store = new SqliteStore(database, { clock });
    return { store, now: clock, advance: clock.advance, breakDown, close };
  });
}
