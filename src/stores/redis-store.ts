// Sessions in Redis or Valkey, for many machines. It brings no client: it is handed one function.

import type { SessionChanges, SessionKey, SessionRecord } from "../session-store.ts";
import type { SessionStore, SessionSummary } from "../session-store.ts";

/** Sends one command and answers the reply; rejects when the reply is an error, or none comes. */
export type SendCommand = (...args: string[]) => Promise<unknown>;

/** What a `RedisStore` may be given. */
export interface RedisStoreOptions {
  /** The time, in milliseconds since the epoch. By Redis's own clock a session may end earlier. */
  readonly clock?: () => number;
  /** What the names of all its Redis keys begin with; `plinth:` unless said otherwise. */
  readonly prefix?: string;
  /** How many sessions one owner may have; 20 unless said otherwise. One more ends the oldest. */
  readonly maxSessionsPerOwner?: number;
  /** How many bytes of UTF-8 a session's keys and values may have together; 4,096 if not said. */
  readonly maxSessionSize?: number;
}

/** The session would be larger than `maxSessionSize`. It was left as it was. */
export class SessionTooLargeError extends Error {
  override readonly name = "SessionTooLargeError";
}

// Every command is EVAL with one Redis key: atomic, and Redis Cluster knows where to send it.
// Fields come first in ARGV with their values, `expiresAt` before all others, then those to delete.
const writeScript = `
local now, limit, action, last = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local expiresAt, hour = tonumber(ARGV[6]), 3600000
local stored, fields, size = redis.call('HGETALL', KEYS[1]), {}, 0
for i = 1, #stored, 2 do fields[stored[i]] = stored[i + 1] end
local endsAt = tonumber(fields.expiresAt) or 0
if (endsAt > now) == (action == 'create') then return 0 end
if action == 'create' then fields = {} end
if action == 'update' and fields.owner and math.floor(expiresAt / hour) > math.floor(endsAt / hour) then
  return fields.owner
end
for i = 5, last, 2 do fields[ARGV[i]] = ARGV[i + 1] end
for i = last + 1, #ARGV do fields[ARGV[i]] = nil end
for field, value in pairs(fields) do
  if field:sub(1, 5) == 'data:' then size = size + #field - 5 + #value end
end
if size > limit then return -1 end
if action == 'create' then redis.call('DEL', KEYS[1]) end
for i = 5, last, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
for i = last + 1, #ARGV do redis.call('HDEL', KEYS[1], ARGV[i]) end
redis.call('PEXPIREAT', KEYS[1], math.floor(expiresAt))
return 1`;

// What is no hash is read as a hash without times, so that the session manager removes it.
const readScript = `
local fields = redis.pcall('HGETALL', KEYS[1])
return fields.err and { 'error', fields.err } or fields`;

const removeScript = `
local found = redis.pcall('HMGET', KEYS[1], 'expiresAt', 'owner')
if ARGV[3] and found[2] ~= ARGV[3] then return { '0' } end
redis.call('DEL', KEYS[1])
return { (tonumber(found[1]) or 0) > tonumber(ARGV[1]) and '1' or '0', found[2] or nil }`;

const enlistScript = `
if ARGV[2] then redis.call('ZADD', KEYS[1], ARGV[2], ARGV[3]) end
redis.call('PEXPIREAT', KEYS[1], ARGV[1], 'NX')
redis.call('PEXPIREAT', KEYS[1], ARGV[1], 'GT')
return redis.call('ZCARD', KEYS[1])`;

const listScript = "return redis.call('ZRANGE', KEYS[1], 0, -1)";
const unlistScript = "return redis.call('ZREM', KEYS[1], unpack(ARGV))";

/**
 * Keeps sessions in Redis 7 or Valkey, for all who share it. A session is a hash, and an owner's
 * list is a sorted set: in a cluster they are on different machines, so their order is what counts.
 *
 * - A session is written before it is listed. Until then nobody has been given its id.
 * - A session is removed before it leaves the list. What is listed is checked against the sessions.
 * - `deleteByOwner` ends what is listed when it begins: all that was created before. A session that
 *   is created meanwhile is ended, or lives and is listed.
 * - A list is kept to the full hour after its last session's end. When an update moves a session's
 *   end into another hour, the list's end is moved first.
 *
 * Commands: `read` 1; `create` and `delete` 2, without an owner 1; `update` 1, in another hour 3;
 * the two others 1 or 2, and 1 or 2 for each session. Neither KEYS nor SCAN. Redis drops what has
 * expired, and tells nobody. Set `maxmemory-policy noeviction`: any other logs people out at random.
 */
export class RedisStore implements SessionStore {
  readonly #send: SendCommand;
  readonly #clock: () => number;
  readonly #prefix: string;
  readonly #maxSessionsPerOwner: number;
  readonly #maxSessionSize: number;

  constructor(send: SendCommand, options: RedisStoreOptions = {}) {
    this.#send = send;
    this.#clock = options.clock ?? Date.now;
    this.#prefix = options.prefix ?? "plinth:";
    this.#maxSessionsPerOwner = options.maxSessionsPerOwner ?? 20;
    this.#maxSessionSize = options.maxSessionSize ?? 4096;
  }

  /** @throws {SessionTooLargeError} when the session is larger than `maxSessionSize`. */
  async create(key: SessionKey, record: SessionRecord): Promise<boolean> {
    const { owner, createdAt, expiresAt } = record;
    const fields = [...fieldsOf(record), "createdAt", String(createdAt)];
    if (owner !== undefined) fields.push("owner", owner);
    const isNew = yesOrNo(await this.#write("create", key, fields, []));
    if (!isNew || owner === undefined) return isNew;

    const count = await this.#enlist(owner, expiresAt, String(createdAt), key);
    if (Number(count) <= this.#maxSessionsPerOwner) return true;
    const others = (await this.listByOwner(owner)).filter((session) => session.key !== key);
    const surplus = others.toReversed().slice(this.#maxSessionsPerOwner - 1);
    await this.#remove(owner, surplus.map((session) => session.key));
    return true;
  }

  async read(key: SessionKey): Promise<SessionRecord | undefined> {
    const record = recordOf(textsOf(await this.#onSession(readScript, key)));
    return record !== undefined && record.expiresAt <= this.#clock() ? undefined : record;
  }

  /** @throws {SessionTooLargeError} when the session would be larger than `maxSessionSize`. */
  async update(key: SessionKey, changes: SessionChanges): Promise<boolean> {
    const fields = fieldsOf(changes);
    const deleted = [...changes.data].filter(([, value]) => value === undefined);
    const names = deleted.map(([name]) => `data:${name}`);
    const reply = await this.#write("update", key, fields, names);
    if (typeof reply !== "string") return yesOrNo(reply);

    await this.#enlist(reply, changes.expiresAt);
    return yesOrNo(await this.#write("prolong", key, fields, names));
  }

  async delete(key: SessionKey): Promise<boolean> {
    const [existed, owner] = textsOf(await this.#onSession(removeScript, key));
    if (owner !== undefined) await this.#onList(unlistScript, owner, key);
    return existed === "1";
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

  /** Removes those of the owner's sessions; another's under the same key only leaves the list. */
  async #remove(owner: string, keys: readonly SessionKey[]): Promise<number> {
    if (keys.length === 0) return 0;
    const removals = keys.map((key) => this.#onSession(removeScript, key, owner));
    const replies = (await Promise.all(removals)).map(textsOf);
    await this.#onList(unlistScript, owner, ...keys);
    return replies.filter(([existed]) => existed === "1").length;
  }

  async #keysOf(owner: string): Promise<readonly SessionKey[]> {
    return textsOf(await this.#onList(listScript, owner)).filter(isKey);
  }

  #enlist(owner: string, expiresAt: number, ...entry: string[]): Promise<unknown> {
    const hour = 3_600_000;
    const end = (Math.floor(expiresAt / hour) + 1) * hour;
    return this.#onList(enlistScript, owner, String(end), ...entry);
  }

  #write(action: string, key: SessionKey, set: string[], deleted: string[]): Promise<unknown> {
    const last = String(4 + set.length);
    return this.#onSession(writeScript, key, action, last, ...set, ...deleted);
  }

  #onSession(script: string, key: SessionKey, ...args: string[]): Promise<unknown> {
    const given = [String(this.#clock()), String(this.#maxSessionSize), ...args];
    return this.#send("EVAL", script, "1", `${this.#prefix}session:${key}`, ...given);
  }

  #onList(script: string, owner: string, ...args: string[]): Promise<unknown> {
    return this.#send("EVAL", script, "1", `${this.#prefix}owner:${owner}`, ...args);
  }
}

function fieldsOf({ data, lastSeenAt, expiresAt }: SessionChanges): string[] {
  const set = [...data].flatMap(([name, value]) =>
    value === undefined ? [] : [`data:${name}`, value],
  );
  return ["expiresAt", String(expiresAt), "lastSeenAt", String(lastSeenAt), ...set];
}

/** A time that is missing or not a number is NaN: the session manager takes that as corrupt. */
function recordOf(texts: readonly string[]): SessionRecord | undefined {
  if (texts.length === 0) return undefined;
  const fields = new Map<string, string>();
  const data = new Map<string, string>();
  for (const [index, text] of texts.entries()) {
    const name = texts[index - 1] ?? "";
    if (index % 2 === 0) continue;
    if (name.startsWith("data:")) data.set(name.slice(5), text);
    else fields.set(name, text);
  }
  const time = (name: string): number => Number.parseFloat(fields.get(name) ?? "");
  const [createdAt, lastSeenAt, expiresAt] = [time("createdAt"), time("lastSeenAt"), time("expiresAt")];
  return { owner: fields.get("owner"), data, createdAt, lastSeenAt, expiresAt };
}

function isKey(text: string): text is SessionKey {
  return text.length === 43;
}

function isTexts(reply: unknown): reply is readonly string[] {
  return Array.isArray(reply) && reply.every((text) => typeof text === "string");
}

function textsOf(reply: unknown): readonly string[] {
  if (isTexts(reply)) return reply;
  throw new TypeError(`Cannot use a reply of Redis: it is no list of texts but ${typeof reply}`);
}

function yesOrNo(reply: unknown): boolean {
  if (reply === -1) throw new SessionTooLargeError("Cannot store session: it is too large");
  if (reply === 0 || reply === 1) return reply === 1;
  throw new TypeError(`Cannot use a reply of Redis: it is not 0 or 1 but a ${typeof reply}`);
}
