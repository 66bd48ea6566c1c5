// Sessions in Redis or Valkey, for many machines. It brings no client: it is handed one function.

import type { SessionChanges, SessionKey, SessionRecord } from "../session-store.ts";
import type { SessionStore, SessionSummary } from "../session-store.ts";

/** Sends one command and answers the reply; rejects when the reply is an error, or none comes. */
export type SendCommand = (...args: [string, ...string[]]) => Promise<unknown>;

/** What a `RedisStore` may be given. */
export interface RedisStoreOptions {
  /** What the names of all its Redis keys begin with; `plinth:` unless said otherwise. */
  readonly prefix?: string;
  /** How many sessions one owner may have; 20 unless said otherwise. One more ends the oldest. */
  readonly maxSessionsPerOwner?: number;
  /** How many bytes of UTF-8 a session's keys and values may have together; 4,096 if not said. */
  readonly maxSessionSize?: number;
}

const hour = 3_600_000;

// Every command is EVAL on one Redis key: atomic, and Redis Cluster knows where to send it.
// From ARGV[3] on: fields and what becomes of them, "=" and a value or "" to delete. A full Redis
// refuses a script at its first write, but not at HDEL: in a new session there is none. Redis shows
// a key until PEXPIREAT's millisecond is over: one less is the end.
const writeScript = `
local action, stored, fields, size = ARGV[2], redis.call('HGETALL', KEYS[1]), {}, 0
if (#stored > 0) == (action == 'create') then return 0 end
for i = 1, #stored, 2 do fields[stored[i]] = stored[i + 1] end
local hourOf = function(time) return math.floor(time / ${hour}) end
local oldHour = hourOf(fields.expiresAt or 0)
for i = 3, #ARGV, 2 do fields[ARGV[i]] = ARGV[i + 1] ~= '' and ARGV[i + 1]:sub(2) or nil end
if action == 'update' and fields.owner and hourOf(fields.expiresAt) > oldHour then
  return { fields.owner, fields.createdAt }
end
for field, value in pairs(fields) do
  if field:sub(1, 5) == 'data:' then size = size + #field - 5 + #value end
end
if size > tonumber(ARGV[1]) then return -1 end
for i = 3, #ARGV, 2 do
  if fields[ARGV[i]] then redis.call('HSET', KEYS[1], ARGV[i], fields[ARGV[i]])
  elseif #stored > 0 then redis.call('HDEL', KEYS[1], ARGV[i]) end
end
redis.call('PEXPIREAT', KEYS[1], math.ceil(fields.expiresAt) - 1)
return 1`;

// What is no hash is read as a session without times; any other error is Redis's own.
const readScript = `
local fields = redis.pcall('HGETALL', KEYS[1])
return fields.err and fields.err:find('WRONGTYPE') and { 'error', fields.err } or fields`;

const removeScript = `
local owner = redis.call('TYPE', KEYS[1]).ok == 'hash' and redis.call('HGET', KEYS[1], 'owner')
return { tostring(redis.call('DEL', KEYS[1])), owner or nil }`;

const enlistScript = `
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[3])
redis.call('PEXPIREAT', KEYS[1], ARGV[1], 'NX')
redis.call('PEXPIREAT', KEYS[1], ARGV[1], 'GT')
return redis.call('ZCARD', KEYS[1])`;

const listScript = "return redis.call('ZRANGE', KEYS[1], 0, -1)";
const unlistScript = "for _, key in ipairs(ARGV) do redis.call('ZREM', KEYS[1], key) end";

/**
 * Keeps sessions in Redis 7 or Valkey, whose clock ends them. A session is a hash, an owner's list
 * a sorted set: in a cluster perhaps on different machines, so that it is the order that counts.
 *
 * - A session is written, then listed: until then nobody is given its id. It is removed, then taken
 *   off the list. What is listed is checked against the sessions.
 * - `deleteByOwner` ends what is listed when it begins: all that had been created by then, under a
 *   new id too. What is started meanwhile is ended, or lives and is listed.
 * - A list lives to the full hour after its last session's end. An update that moves a session's
 *   end into a later hour first lists it anew, with that end.
 *
 * Set `maxmemory-policy noeviction`, or Redis ends sessions at random; and `appendonly yes` with
 * `appendfsync always`, or a crash undoes what was answered last, log-outs too.
 */
export class RedisStore implements SessionStore {
  readonly #run: (script: string, name: string, ...args: string[]) => Promise<unknown>;
  readonly #maxSessionsPerOwner: number;
  readonly #maxSessionSize: number;

  /** @throws {RangeError} when a limit is not a whole number above zero. */
  constructor(send: SendCommand, options: RedisStoreOptions = {}) {
    const { prefix = "plinth:", maxSessionsPerOwner = 20, maxSessionSize = 4096 } = options;
    for (const [name, limit] of Object.entries({ maxSessionsPerOwner, maxSessionSize })) {
      if (Number.isSafeInteger(limit) && limit > 0) continue;
      throw new RangeError(`Cannot make RedisStore: ${name} is ${limit}, not a number from 1 on`);
    }
    this.#run = (script, name, ...args) => send("EVAL", script, "1", prefix + name, ...args);
    this.#maxSessionsPerOwner = maxSessionsPerOwner;
    this.#maxSessionSize = maxSessionSize;
  }

  /** @throws {Error} named `SessionTooLargeError` when it is over `maxSessionSize`. */
  async create(key: SessionKey, record: SessionRecord): Promise<boolean> {
    const { owner, createdAt, lastSeenAt, expiresAt } = record;
    const isNew = yesOrNo(await this.#write("create", key, record));
    if (!isNew || owner === undefined) return isNew;
    const count = await this.#enlist(owner, key, String(createdAt), expiresAt);
    // A session seen since its creation is a rotated one, not one more: its old id is to go.
    if (lastSeenAt > createdAt || Number(count) <= this.#maxSessionsPerOwner) return true;
    const surplus = (await this.listByOwner(owner)).slice(0, -this.#maxSessionsPerOwner);
    // Clocks may differ: a login that seems to be the oldest must not end itself.
    const older = surplus.filter((session) => session.createdAt < createdAt);
    await this.#remove(owner, older.map((session) => session.key));
    return true;
  }

  async read(key: SessionKey): Promise<SessionRecord | undefined> {
    return recordOf(textsOf(await this.#run(readScript, `session:${key}`)));
  }

  /** @throws {Error} named `SessionTooLargeError` when it would be over `maxSessionSize`. */
  async update(key: SessionKey, { data, lastSeenAt, expiresAt }: SessionChanges): Promise<boolean> {
    const changes = { data, lastSeenAt, expiresAt }; // No more, should a whole record come in.
    const reply = await this.#write("update", key, changes);
    if (!Array.isArray(reply)) return yesOrNo(reply);
    const [owner = "", createdAt = ""] = textsOf(reply); // Not written yet: it is listed first.
    await this.#enlist(owner, key, createdAt, expiresAt);
    return yesOrNo(await this.#write("prolong", key, changes));
  }

  async delete(key: SessionKey): Promise<boolean> {
    const [count, owner] = textsOf(await this.#run(removeScript, `session:${key}`));
    if (owner !== undefined) await this.#unlist(owner, [key]);
    return count === "1";
  }

  async listByOwner(owner: string): Promise<readonly SessionSummary[]> {
    const keys = await this.#keysOf(owner);
    const records = await Promise.all(keys.map((key) => this.read(key)));
    await this.#unlist(owner, keys.filter((_, index) => records[index]?.owner !== owner));
    return keys.flatMap((key, index) => {
      const record = records[index];
      return record?.owner === owner ? [{ key, ...record }] : [];
    });
  }

  async deleteByOwner(owner: string, except?: SessionKey): Promise<number> {
    const keys = (await this.#keysOf(owner)).filter((key) => key !== except);
    const count = await this.#remove(owner, keys);
    // One that was gone already may have a new id, and is listed under that before it goes.
    return count === keys.length ? count : count + (await this.deleteByOwner(owner, except));
  }

  /** Removes these of the owner's sessions, and answers how many were there. */
  async #remove(owner: string, keys: readonly SessionKey[]): Promise<number> {
    const removals = keys.map((key) => this.#run(removeScript, `session:${key}`));
    const replies = (await Promise.all(removals)).map(textsOf);
    await this.#unlist(owner, keys);
    return replies.filter(([count]) => count === "1").length;
  }

  async #unlist(owner: string, keys: readonly SessionKey[]): Promise<void> {
    if (keys.length > 0) await this.#run(unlistScript, `owner:${owner}`, ...keys);
  }

  async #keysOf(owner: string): Promise<readonly SessionKey[]> {
    const keys = textsOf(await this.#run(listScript, `owner:${owner}`));
    return keys.filter((text): text is SessionKey => text.length === 43);
  }

  #enlist(owner: string, key: string, createdAt: string, expiresAt: number): Promise<unknown> {
    const end = Math.floor(expiresAt / hour + 1) * hour;
    return this.#run(enlistScript, `owner:${owner}`, String(end), createdAt, key);
  }

  #write(action: string, key: SessionKey, { data, ...rest }: SessionChanges): Promise<unknown> {
    const fields = new Map<string, unknown>(Object.entries(rest));
    for (const [name, value] of data) fields.set(`data:${name}`, value);
    const args = [...fields].map(([name, value]) => [name, value === undefined ? "" : `=${value}`]);
    const limit = String(this.#maxSessionSize);
    return this.#run(writeScript, `session:${key}`, limit, action, ...args.flat());
  }
}

/** A time that is missing or no number is NaN: the session manager finds the record corrupt. */
function recordOf(texts: readonly string[]): SessionRecord | undefined {
  if (texts.length === 0) return undefined;
  const fields = new Map<string, string>();
  const data = new Map<string, string>();
  for (let at = 0; at < texts.length; at += 2) {
    const [name, value] = [String(texts[at]), texts[at + 1] ?? ""];
    if (name.startsWith("data:")) data.set(name.slice(5), value);
    else fields.set(name, value);
  }
  const timeOf = (name: string): number => Number.parseFloat(String(fields.get(name)));
  const times = { createdAt: timeOf("createdAt"), lastSeenAt: timeOf("lastSeenAt") };
  return { owner: fields.get("owner"), data, ...times, expiresAt: timeOf("expiresAt") };
}

function textsOf(reply: unknown): readonly string[] {
  if (Array.isArray(reply) && reply.every((text) => typeof text === "string")) return reply;
  throw new TypeError(`Cannot use a reply of Redis: a list of texts is due, not a ${typeof reply}`);
}

function yesOrNo(reply: unknown): boolean {
  const tooLarge = { name: "SessionTooLargeError" };
  if (reply === -1) throw Object.assign(new Error("Cannot store session: too large"), tooLarge);
  if (reply === 0 || reply === 1) return reply === 1;
  throw new TypeError(`Cannot use a reply of Redis: 0 or 1 is due, not a ${typeof reply}`);
}
