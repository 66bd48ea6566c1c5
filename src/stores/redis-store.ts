// Sessions in Redis or Valkey, for many machines. It brings no client: it is handed one function.

import type { SessionChanges, SessionKey, SessionRecord } from "../session-store.ts";
import type { SessionStore, SessionSummary } from "../session-store.ts";

/** Sends one command and answers the reply; rejects when the reply is an error, or none comes. */
export type SendCommand = (...args: string[]) => Promise<unknown>;

/** What a `RedisStore` may be given. */
export interface RedisStoreOptions {
  /** What the names of all its Redis keys begin with; `plinth:` unless said otherwise. */
  readonly prefix?: string;
  /** How many sessions one owner may have; 20 unless said otherwise. One more ends the oldest. */
  readonly maxSessionsPerOwner?: number;
  /** How many bytes of UTF-8 a session's keys and values may have together; 4,096 if not said. */
  readonly maxSessionSize?: number;
}

class SessionTooLargeError extends Error {
  override readonly name = "SessionTooLargeError";
}

// Every command is EVAL on one Redis key: atomic, and Redis Cluster knows where to send it.
// From ARGV[3] on: fields and what becomes of them, "=" and a value or "" to delete; the first is
// expiresAt. Redis shows a key until PEXPIREAT's millisecond is over: one less is the end.
const writeScript = `
local action, stored, fields, size = ARGV[2], redis.call('HGETALL', KEYS[1]), {}, 0
if (#stored > 0) == (action == 'create') then return 0 end
for i = 1, #stored, 2 do fields[stored[i]] = stored[i + 1] end
local expiresAt, hour = tonumber(ARGV[4]:sub(2)), 3600000
local isLater = math.floor(expiresAt / hour) > math.floor((fields.expiresAt or 0) / hour)
if action == 'update' and isLater and fields.owner then
  return { fields.owner, fields.createdAt }
end
for i = 3, #ARGV, 2 do fields[ARGV[i]] = ARGV[i + 1] ~= '' and ARGV[i + 1]:sub(2) or nil end
for field, value in pairs(fields) do
  if field:sub(1, 5) == 'data:' then size = size + #field - 5 + #value end
end
if size > tonumber(ARGV[1]) then return -1 end
for i = 3, #ARGV, 2 do
  if fields[ARGV[i]] then redis.call('HSET', KEYS[1], ARGV[i], fields[ARGV[i]])
  else redis.call('HDEL', KEYS[1], ARGV[i]) end
end
redis.call('PEXPIREAT', KEYS[1], math.ceil(expiresAt) - 1)
return 1`;

// What is no hash is read as a session without times.
const readScript = `
local fields = redis.pcall('HGETALL', KEYS[1])
return fields.err and { 'error', fields.err } or fields`;

const removeScript = `
local owner = redis.pcall('HGET', KEYS[1], 'owner')
if ARGV[1] and owner ~= ARGV[1] then return { '0' } end
return { tostring(redis.call('DEL', KEYS[1])), type(owner) == 'string' and owner or nil }`;

const enlistScript = `
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[3])
redis.call('PEXPIREAT', KEYS[1], ARGV[1], 'NX')
redis.call('PEXPIREAT', KEYS[1], ARGV[1], 'GT')
return redis.call('ZCARD', KEYS[1])`;

const listScript = "return redis.call('ZRANGE', KEYS[1], 0, -1)";
const unlistScript = "return redis.call('ZREM', KEYS[1], unpack(ARGV))";

/**
 * Keeps sessions in Redis 7 or Valkey, for all who share it. Redis's clock ends them. A session is
 * a hash, and an owner's list a sorted set. In a cluster the two are on different machines, so it
 * is their order that counts:
 *
 * - A session is written, then listed. Before that, nobody has been given its id.
 * - A session is removed, then taken off the list. What is listed is checked against the sessions.
 * - `deleteByOwner` ends what is listed when it begins: all that had been created by then. What is
 *   created meanwhile is ended, or lives and is listed.
 * - A list lives to the full hour after its last session's end. An update that moves a session's
 *   end into a later hour first lists it anew, with that end.
 *
 * Commands: `read` 1; `create` and `delete` 2, without an owner 1; `update` 1, into a later hour 3;
 * the two others 1, and 1 for each session, and 1 if one is removed. Neither KEYS nor SCAN. Redis
 * tells nobody what has expired. Set `maxmemory-policy noeviction`, or it ends sessions at random;
 * and `appendfsync always`, or a crash undoes what was answered last, log-outs too.
 */
export class RedisStore implements SessionStore {
  readonly #send: SendCommand;
  readonly #prefix: string;
  readonly #maxSessionsPerOwner: number;
  readonly #maxSessionSize: number;

  constructor(send: SendCommand, options: RedisStoreOptions = {}) {
    this.#send = send;
    this.#prefix = options.prefix ?? "plinth:";
    this.#maxSessionsPerOwner = options.maxSessionsPerOwner ?? 20;
    this.#maxSessionSize = options.maxSessionSize ?? 4096;
  }

  /** @throws {Error} named `SessionTooLargeError` when it is over `maxSessionSize`. */
  async create(key: SessionKey, record: SessionRecord): Promise<boolean> {
    const { owner, createdAt, expiresAt } = record;
    const fields = [...fieldsOf(record), "createdAt", `=${createdAt}`];
    if (owner !== undefined) fields.push("owner", `=${owner}`);
    const isNew = yesOrNo(await this.#write("create", key, fields));
    if (!isNew || owner === undefined) return isNew;

    const count = await this.#enlist(owner, key, String(createdAt), expiresAt);
    if (Number(count) <= this.#maxSessionsPerOwner) return true;
    const surplus = (await this.listByOwner(owner)).slice(0, -this.#maxSessionsPerOwner);
    // A rotated session is as old as the one that it replaces, which is not the store's to end.
    const older = surplus.filter((session) => session.createdAt < createdAt);
    await this.#remove(owner, older.map((session) => session.key));
    return true;
  }

  async read(key: SessionKey): Promise<SessionRecord | undefined> {
    return recordOf(textsOf(await this.#run(readScript, `session:${key}`)));
  }

  /** @throws {Error} named `SessionTooLargeError` when it would be over `maxSessionSize`. */
  async update(key: SessionKey, changes: SessionChanges): Promise<boolean> {
    const fields = fieldsOf(changes);
    const reply = await this.#write("update", key, fields);
    if (!Array.isArray(reply)) return yesOrNo(reply);
    const [owner = "", createdAt = ""] = textsOf(reply);
    await this.#enlist(owner, key, createdAt, changes.expiresAt);
    return yesOrNo(await this.#write("prolong", key, fields));
  }

  async delete(key: SessionKey): Promise<boolean> {
    const [count, owner] = textsOf(await this.#run(removeScript, `session:${key}`));
    if (owner !== undefined) await this.#run(unlistScript, `owner:${owner}`, key);
    return count === "1";
  }

  async listByOwner(owner: string): Promise<readonly SessionSummary[]> {
    const keys = await this.#keysOf(owner);
    const records = await Promise.all(keys.map((key) => this.read(key)));
    await this.#remove(owner, keys.filter((_, index) => records[index]?.owner !== owner));
    return keys.flatMap((key, index) => {
      const record = records[index];
      return record?.owner === owner ? [{ key, ...record }] : [];
    });
  }

  async deleteByOwner(owner: string, except?: SessionKey): Promise<number> {
    return this.#remove(owner, (await this.#keysOf(owner)).filter((key) => key !== except));
  }

  /** Removes those of the owner's sessions. What is not the owner's only leaves the list. */
  async #remove(owner: string, keys: readonly SessionKey[]): Promise<number> {
    if (keys.length === 0) return 0;
    const removals = keys.map((key) => this.#run(removeScript, `session:${key}`, owner));
    const replies = (await Promise.all(removals)).map(textsOf);
    await this.#run(unlistScript, `owner:${owner}`, ...keys);
    return replies.filter(([count]) => count === "1").length;
  }

  async #keysOf(owner: string): Promise<readonly SessionKey[]> {
    return textsOf(await this.#run(listScript, `owner:${owner}`)).filter(isKey);
  }

  #enlist(owner: string, key: string, createdAt: string, expiresAt: number): Promise<unknown> {
    const hour = 3_600_000;
    const end = (Math.floor(expiresAt / hour) + 1) * hour;
    return this.#run(enlistScript, `owner:${owner}`, String(end), createdAt, key);
  }

  #write(action: string, key: SessionKey, fields: string[]): Promise<unknown> {
    const limit = String(this.#maxSessionSize);
    return this.#run(writeScript, `session:${key}`, limit, action, ...fields);
  }

  #run(script: string, name: string, ...args: string[]): Promise<unknown> {
    return this.#send("EVAL", script, "1", this.#prefix + name, ...args);
  }
}

function fieldsOf({ data, lastSeenAt, expiresAt }: SessionChanges): string[] {
  const fields = ["expiresAt", `=${expiresAt}`, "lastSeenAt", `=${lastSeenAt}`];
  for (const [name, value] of data) {
    fields.push(`data:${name}`, value === undefined ? "" : `=${value}`);
  }
  return fields;
}

/** A time that is missing or no number is NaN: the session manager finds the record corrupt. */
function recordOf(texts: readonly string[]): SessionRecord | undefined {
  if (texts.length === 0) return undefined;
  const fields = new Map<string, string>();
  const data = new Map<string, string>();
  for (let at = 0; at < texts.length; at += 2) {
    const [name = "", value = ""] = texts.slice(at, at + 2);
    if (name.startsWith("data:")) data.set(name.slice(5), value);
    else fields.set(name, value);
  }
  const timeOf = (name: string): number => Number.parseFloat(fields.get(name) ?? "");
  const times = { createdAt: timeOf("createdAt"), lastSeenAt: timeOf("lastSeenAt") };
  return { owner: fields.get("owner"), data, ...times, expiresAt: timeOf("expiresAt") };
}

function isKey(text: string): text is SessionKey {
  return text.length === 43;
}

function textsOf(reply: unknown): readonly string[] {
  if (Array.isArray(reply) && reply.every((text) => typeof text === "string")) return reply;
  throw new TypeError(`Cannot use a reply of Redis: a list of texts is due, not a ${typeof reply}`);
}

function yesOrNo(reply: unknown): boolean {
  if (reply === -1) throw new SessionTooLargeError("Cannot store session: it is too large");
  if (reply === 0 || reply === 1) return reply === 1;
  throw new TypeError(`Cannot use a reply of Redis: 0 or 1 is due, not a ${typeof reply}`);
}
