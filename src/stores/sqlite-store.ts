// Sessions in an SQLite file: they outlive the process, and processes of one machine share them.

import type { SessionChanges, SessionKey, SessionRecord } from "../session-store.ts";
import type { SessionStore, SessionSummary } from "../session-store.ts";

/** A database: what `new DatabaseSync(path)` of `node:sqlite` or `better-sqlite3` opens. */
export interface SqliteDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): {
    run(...values: (string | number)[]): { readonly changes: number | bigint };
    get(...values: (string | number)[]): unknown;
    all(...values: (string | number)[]): unknown[];
  };
}

/** What a `SqliteStore` may be given. */
export interface SqliteStoreOptions {
  /** The time, in milliseconds since the epoch. */
  readonly clock?: () => number;
  /** How many sessions one owner may have; 20 unless said otherwise. One more ends the oldest. */
  readonly maxSessionsPerOwner?: number;
  /** How many characters a session's keys and values may have together; 4,096 if not said. */
  readonly maxSessionSize?: number;
}

const schema = `
  CREATE TABLE session (
    key TEXT PRIMARY KEY, owner TEXT, data TEXT NOT NULL,
    created_at INTEGER NOT NULL, last_seen_at INTEGER NOT NULL, expires_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX session_owner ON session (owner, created_at);
  CREATE INDEX session_expiry ON session (expires_at)`;

/**
 * Keeps sessions in a database of their own. All its methods answer at once: a write, when it is on
 * the disk (`synchronous = FULL`). So what was answered outlives `kill -9` and a power cut. After
 * `database.exec("PRAGMA synchronous = NORMAL")` writes are faster, and a power cut may undo the
 * last of them, log-outs too. A write waits up to 2 seconds for other processes, then throws. Each
 * `create` removes some expired sessions.
 */
export class SqliteStore implements SessionStore {
  readonly #database: SqliteDatabase;
  readonly #statements: ReturnType<typeof prepare>;
  readonly #clock: () => number;
  readonly #maxSessionsPerOwner: number;
  readonly #maxSessionSize: number;

  /** @throws {Error} when a limit is not a whole number above zero, or the database not ours. */
  constructor(database: SqliteDatabase, options: SqliteStoreOptions = {}) {
    const { clock = Date.now, maxSessionsPerOwner = 20, maxSessionSize = 4096 } = options;
    for (const [name, limit] of Object.entries({ maxSessionsPerOwner, maxSessionSize })) {
      if (Number.isSafeInteger(limit) && limit > 0) continue;
      throw new RangeError(`Cannot make SqliteStore: ${name} is ${limit}, not a number from 1 on`);
    }
    this.#database = database;
    this.#clock = clock;
    this.#maxSessionsPerOwner = maxSessionsPerOwner;
    this.#maxSessionSize = maxSessionSize;
    database.exec("PRAGMA busy_timeout = 2000");
    isNew(database); // Or ours: another's is refused before anything in it is changed.
    database.exec("PRAGMA journal_mode = WAL");
    database.exec("PRAGMA synchronous = FULL");
    this.#atomically(() => {
      if (isNew(database)) database.exec(schema);
      database.exec("PRAGMA user_version = 1"); // A file that is read-only is refused now.
    });
    this.#statements = prepare(database);
  }

  /** @throws {Error} named `SessionTooLargeError` when it is over `maxSessionSize`. */
  create(key: SessionKey, record: SessionRecord): boolean {
    const { owner, createdAt, lastSeenAt, expiresAt } = record;
    const { prune, insert, endOldest } = this.#statements;
    const data = this.#textOf(record.data);
    const now = this.#clock();
    return this.#atomically(() => {
      prune.run(now, key, now);
      const values = [key, owner ?? "", data, createdAt, lastSeenAt, expiresAt];
      if (Number(insert.run(...values).changes) === 0) return false;
      // A session seen since its creation is a rotated one, not one more: its old id is to go.
      if (owner === undefined || lastSeenAt > createdAt) return true;
      endOldest.run(createdAt, owner, now, this.#maxSessionsPerOwner);
      return true;
    });
  }

  read(key: SessionKey): SessionRecord | undefined {
    const row = this.#statements.read.get(key, this.#clock());
    return row === undefined ? undefined : recordOf(row);
  }

  /** @throws {Error} named `SessionTooLargeError` when it would be over `maxSessionSize`. */
  update(key: SessionKey, { data, lastSeenAt, expiresAt }: SessionChanges): boolean {
    const { read, update } = this.#statements;
    return this.#atomically(() => {
      const row = read.get(key, this.#clock());
      if (row === undefined) return false;
      const text = this.#textOf(new Map([...dataOf(valuesOf(row)[1]), ...data]));
      update.run(text, lastSeenAt, expiresAt, key);
      return true;
    });
  }

  delete(key: SessionKey): boolean {
    return Number(this.#statements.delete.run(key, this.#clock()).changes) === 1;
  }

  listByOwner(owner: string): readonly SessionSummary[] {
    const rows = this.#statements.list.all(owner, this.#clock());
    return rows.map((row) => ({ key: valuesOf(row)[5], ...recordOf(row) }));
  }

  deleteByOwner(owner: string, except?: SessionKey): number {
    const { deleteByOwner } = this.#statements;
    return Number(deleteByOwner.run(owner, except ?? "", this.#clock()).changes);
  }

  #textOf(data: ReadonlyMap<string, string | undefined>): string {
    const entries = [...data].filter(([, value]) => value !== undefined);
    const size = entries.flat().join("").length;
    if (size <= this.#maxSessionSize) return JSON.stringify(entries);
    const sizes = `${size} characters are more than ${this.#maxSessionSize}`;
    const tooLarge = { name: "SessionTooLargeError" };
    throw Object.assign(new Error(`Cannot store session: ${sizes}`), tooLarge);
  }

  /** Holds off other processes' writes from the first look to the last change. */
  #atomically<T>(work: () => T): T {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.#database.exec("COMMIT");
      return result;
    } catch (error) {
      try {
        this.#database.exec("ROLLBACK");
      } catch {
        // SQLite has rolled back by itself, for a full disk for example: the first error tells.
      }
      throw error;
    }
  }
}

/** @throws {Error} when the database is another program's, or of another version. */
function isNew(database: SqliteDatabase): boolean {
  // In this order: another process may be making the table just now.
  const [changes] = valuesOf(database.prepare("PRAGMA schema_version").get());
  const [version] = valuesOf(database.prepare("PRAGMA user_version").get());
  if (version === 1) return false;
  if (version === 0 && changes === 0) return true;
  throw new Error(`Cannot use database of version ${version}: give sessions a file of their own`);
}

function prepare(database: SqliteDatabase) {
  const record = "owner, data, created_at, last_seen_at, expires_at";
  return {
    // The new session's own key, should it have expired, and a hundred that expired before.
    prune: database.prepare(`DELETE FROM session WHERE expires_at <= ? AND (key = ? OR rowid IN
      (SELECT rowid FROM session WHERE expires_at <= ? ORDER BY expires_at LIMIT 100))`),
    insert: database.prepare(`INSERT INTO session (key, ${record})
      VALUES (?, NULLIF(?, ''), ?, ?, ?, ?) ON CONFLICT DO NOTHING`),
    // A clock may be set back: a login that seems to be the oldest must not end itself.
    endOldest: database.prepare(`DELETE FROM session WHERE created_at < ? AND rowid IN
      (SELECT rowid FROM session WHERE owner = ? AND expires_at > ?
      ORDER BY created_at DESC LIMIT -1 OFFSET ?)`),
    read: database.prepare(`SELECT ${record} FROM session WHERE key = ? AND expires_at > ?`),
    update: database.prepare(`UPDATE session SET data = ?, last_seen_at = ?, expires_at = ?
      WHERE key = ?`),
    delete: database.prepare("DELETE FROM session WHERE key = ? AND expires_at > ?"),
    list: database.prepare(`SELECT ${record}, key FROM session
      WHERE owner = ? AND expires_at > ? ORDER BY created_at`),
    deleteByOwner: database.prepare(`DELETE FROM session
      WHERE owner = ? AND key <> ? AND expires_at > ?`),
  };
}

// In column order. The table is STRICT, so each value has the type of its column.
function valuesOf(row: unknown) {
  return Object.values(row ?? {});
}

function dataOf(text: string): Map<string, string> {
  return new Map(JSON.parse(text));
}

/** Data that cannot be read give a time that is NaN: the session manager finds it corrupt. */
function recordOf(row: unknown): SessionRecord {
  const [owner, text, createdAt, lastSeenAt, expiresAt] = valuesOf(row);
  const record = { owner: owner ?? undefined, createdAt, lastSeenAt, expiresAt };
  try {
    return { ...record, data: dataOf(text) };
  } catch {
    return { ...record, data: new Map(), createdAt: NaN };
  }
}
