// The contract itself is tested: a store that is right passes, and each wrong one is found out.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { MaybePromise, SessionChanges, SessionKey } from "../src/session-store.ts";
import type { SessionRecord, SessionStore, SessionSummary } from "../src/session-store.ts";
import { fakeClock } from "./fake-clock.ts";
import type { FakeClock } from "./fake-clock.ts";
import { PlainStore, copy, merged } from "./plain-store.ts";
import { contract, describeStore } from "./store-contract.ts";
import type { MakeStore } from "./store-contract.ts";

function making(Store: new (clock: FakeClock) => PlainStore): MakeStore {
  return () => {
    const clock = fakeClock();
    const store = new Store(clock);
    const breakDown = (): void => void (store.broken = true);
    const intercept = (before: () => MaybePromise<void>): void => void (store.between = before);
    return { store, now: clock, advance: clock.advance, breakDown, intercept };
  };
}

describeStore("the plainest store", making(PlainStore));

/** Lists a session in a step of its own, before it is there. */
class EarlyListStore extends PlainStore {
  readonly listed = new Set<SessionKey>();

  override async create(key: SessionKey, record: SessionRecord): Promise<boolean> {
    this.listed.add(key);
    await this.between();
    return super.create(key, record);
  }

  override async listByOwner(owner: string): Promise<readonly SessionSummary[]> {
    return (await super.listByOwner(owner)).filter(({ key }) => this.listed.has(key));
  }
}

/** A wrong store by what is wrong with it, and a claim that finds it out. */
const wrongStores: Record<string, readonly [string, new (clock: FakeClock) => PlainStore]> = {
  "forgets when a session was last seen": [
    "a session is read as it was created, field by field",
    class extends PlainStore {
      override create(key: SessionKey, record: SessionRecord) {
        return super.create(key, { ...record, lastSeenAt: record.createdAt });
      }
    },
  ],
  "adopts any key": [
    "an absent session is undefined, and nothing else",
    class extends PlainStore {
      override async read(key: SessionKey) {
        const times = { createdAt: 0, lastSeenAt: 0, expiresAt: Infinity };
        return (await super.read(key)) ?? { owner: undefined, data: new Map(), ...times };
      }
    },
  ],
  "answers null for an absent session": [
    "an absent session is undefined, and nothing else",
    class extends PlainStore {
      override async read(key: SessionKey) {
        return (await super.read(key)) ?? (null as unknown as undefined);
      }
    },
  ],
  "reads no owner as an owner without a name": [
    "a session without an owner has the owner undefined",
    class extends PlainStore {
      override create(key: SessionKey, record: SessionRecord) {
        return super.create(key, { ...record, owner: record.owner ?? "" });
      }
    },
  ],
  "takes a session without data for none": [
    "a session without data is a session",
    class extends PlainStore {
      override find(key: SessionKey) {
        const record = super.find(key);
        return record?.data.size === 0 ? undefined : record;
      }
    },
  ],
  "overwrites on create": [
    "create answers false for a key that is taken, and leaves that session alone",
    class extends PlainStore {
      override async create(key: SessionKey, record: SessionRecord) {
        const isNew = await super.create(key, record);
        this.sessions.set(key, copy(record));
        return isNew;
      }
    },
  ],
  "answers true for a key that is taken": [
    "create answers false for a key that is taken, and leaves that session alone",
    class extends PlainStore {
      override async create(key: SessionKey, record: SessionRecord) {
        return (await super.create(key, record)) || true;
      }
    },
  ],
  "updates every session": [
    "sessions do not see each other",
    class extends PlainStore {
      override async update(key: SessionKey, changes: SessionChanges) {
        for (const other of this.sessions.keys()) await super.update(other, changes);
        return this.find(key) !== undefined;
      }
    },
  ],
  "puts the changes in the place of the data": [
    "update sets the keys it names and leaves the others",
    class extends PlainStore {
      override async update(key: SessionKey, changes: SessionChanges) {
        const record = this.find(key);
        if (record !== undefined) this.sessions.set(key, { ...record, data: new Map() });
        return super.update(key, changes);
      }
    },
  ],
  "deletes no keys": [
    "update deletes the keys it names with undefined, present or not",
    class extends PlainStore {
      override update(key: SessionKey, { data, ...times }: SessionChanges) {
        const set = [...data].filter(([, value]) => value !== undefined);
        return super.update(key, { data: new Map(set), ...times });
      }
    },
  ],
  "drops a session with its last key": [
    "a session whose keys are all deleted is a session",
    class extends PlainStore {
      override async update(key: SessionKey, changes: SessionChanges) {
        const isThere = await super.update(key, changes);
        if (this.find(key)?.data.size === 0) this.sessions.delete(key);
        return isThere;
      }
    },
  ],
  "takes only the end from an update": [
    "update takes both times, later or earlier, and keeps owner and creation",
    class extends PlainStore {
      override update(key: SessionKey, changes: SessionChanges) {
        const { lastSeenAt } = this.find(key) ?? changes;
        return super.update(key, { ...changes, lastSeenAt });
      }
    },
  ],
  "never lets a time go back": [
    "update takes both times, later or earlier, and keeps owner and creation",
    class extends PlainStore {
      override update(key: SessionKey, changes: SessionChanges) {
        const lastSeenAt = Math.max(changes.lastSeenAt, this.find(key)?.lastSeenAt ?? 0);
        return super.update(key, { ...changes, lastSeenAt });
      }
    },
  ],
  "takes the second update for the start": [
    "update takes both times, later or earlier, and keeps owner and creation",
    class extends PlainStore {
      readonly updated = new Set<SessionKey>();
      override async update(key: SessionKey, changes: SessionChanges) {
        const isThere = await super.update(key, changes);
        const record = this.updated.has(key) ? this.find(key) : undefined;
        if (record) this.sessions.set(key, { ...record, createdAt: changes.lastSeenAt });
        this.updated.add(key);
        return isThere;
      }
    },
  ],
  "creates what it is to update": [
    "update of an absent session answers false and creates nothing",
    class extends PlainStore {
      override async update(key: SessionKey, changes: SessionChanges) {
        const record = { owner: "ada", createdAt: this.now(), ...changes, data: new Map() };
        await super.create(key, record);
        return super.update(key, changes);
      }
    },
  ],
  "brings back what was deleted": [
    "update of a deleted session answers false and does not bring it back",
    class extends PlainStore {
      readonly deleted = new Map<SessionKey, SessionRecord>();
      override async delete(key: SessionKey) {
        const record = this.find(key);
        if (record !== undefined) this.deleted.set(key, record);
        return super.delete(key);
      }
      override async update(key: SessionKey, changes: SessionChanges) {
        const record = this.deleted.get(key);
        if (record !== undefined) this.sessions.set(key, record);
        return super.update(key, changes);
      }
    },
  ],
  "always answers that it deleted": [
    "delete removes one session and answers whether there was one",
    class extends PlainStore {
      override async delete(key: SessionKey) {
        return (await super.delete(key)) || true;
      }
    },
  ],
  "never takes a deleted key again": [
    "a deleted key can be created again, with nothing of the old session",
    class extends PlainStore {
      readonly deleted = new Set<SessionKey>();
      override delete(key: SessionKey) {
        this.deleted.add(key);
        return super.delete(key);
      }
      override async create(key: SessionKey, record: SessionRecord) {
        return !this.deleted.has(key) && super.create(key, record);
      }
    },
  ],
  "keeps what it was given": [
    "what was handed in can be changed afterwards: the store keeps a copy",
    class extends PlainStore {
      override async create(key: SessionKey, record: SessionRecord) {
        const isNew = await super.create(key, record);
        if (isNew) this.sessions.set(key, record);
        return isNew;
      }
    },
  ],
  "hands out what it keeps": [
    "what was handed out can be changed: the store handed out a copy",
    class extends PlainStore {
      override async read(key: SessionKey) {
        return this.find(key);
      }
    },
  ],
  "changes what it handed out": [
    "what was read or listed stays as it was when sessions change",
    class extends PlainStore {
      override async read(key: SessionKey) {
        return this.find(key);
      }
      override async update(key: SessionKey, changes: SessionChanges) {
        const held = this.find(key);
        const isThere = await super.update(key, changes);
        return isThere && held !== undefined && Object.assign(held, this.find(key)) === held;
      }
    },
  ],
  "hands out the same list again, and fills it anew": [
    "what was read or listed stays as it was when sessions change",
    class extends PlainStore {
      readonly lists = new Map<string, SessionSummary[]>();
      override async listByOwner(owner: string) {
        const list = this.lists.get(owner) ?? [];
        this.lists.set(owner, list);
        list.splice(0, Infinity, ...(await super.listByOwner(owner)));
        return list;
      }
    },
  ],
  "cuts off what is too large": [
    "a session is kept whole or refused as too large, and then stays as it was",
    class extends PlainStore {
      override create(key: SessionKey, record: SessionRecord) {
        const data = new Map(record.data);
        for (const [name, value] of data) data.set(name, value.slice(0, 65_535));
        return super.create(key, { ...record, data });
      }
    },
  ],
  "refuses what is too large when half is done": [
    "a session is kept whole or refused as too large, and then stays as it was",
    class extends PlainStore {
      override async update(key: SessionKey, { data, ...times }: SessionChanges) {
        const isThere = await super.update(key, { data: new Map(), ...times });
        const isLarge = [...data.values()].some((value = "") => value.length > 4096);
        if (isLarge) throw Object.assign(new Error("Large"), { name: "SessionTooLargeError" });
        return isThere && super.update(key, { data, ...times });
      }
    },
  ],
  "refuses what is too large by another name": [
    "a session is kept whole or refused as too large, and then stays as it was",
    class extends PlainStore {
      override async create(key: SessionKey, record: SessionRecord) {
        const isLarge = [...record.data.values()].some((value) => value.length > 4096);
        if (isLarge) throw new RangeError("Cannot store session");
        return super.create(key, record);
      }
    },
  ],
  "keeps data in an object": [
    "keys and values are plain text, whatever they hold",
    class extends PlainStore {
      override create(key: SessionKey, record: SessionRecord) {
        const object: Record<string, string> = {};
        for (const [name, value] of record.data) object[name] = value;
        return super.create(key, { ...record, data: new Map(Object.entries(object)) });
      }
    },
  ],
  "takes names for the same whatever their case": [
    "keys and values are plain text, whatever they hold",
    class extends PlainStore {
      override async update(key: SessionKey, { data, ...times }: SessionChanges) {
        const byName = new Map([...data].map((pair) => [pair[0].toLowerCase(), pair]));
        return super.update(key, { data: new Map(byName.values()), ...times });
      }
    },
  ],
  "ends text at a zero byte": [
    "keys and values are plain text, whatever they hold",
    class extends PlainStore {
      override update(key: SessionKey, { data, ...times }: SessionChanges) {
        const cut = [...data].map(([name, value]) => [name, value?.split("\0")[0]] as const);
        return super.update(key, { data: new Map(cut), ...times });
      }
    },
  ],
  "forgets expiry": [
    "a session is there one tick before it expires, and gone at that moment",
    class extends PlainStore {
      override isLive() {
        return true;
      }
    },
  ],
  "lets a session live one tick too long": [
    "a session is there one tick before it expires, and gone at that moment",
    class extends PlainStore {
      override isLive(record: SessionRecord) {
        return record.expiresAt >= this.now();
      }
    },
  ],
  "ends a session one tick too early": [
    "a session is there one tick before it expires, and gone at that moment",
    class extends PlainStore {
      override isLive(record: SessionRecord) {
        return record.expiresAt - 1 > this.now();
      }
    },
  ],
  "updates an expired session": [
    "an expired session cannot be updated, also when that would lengthen it",
    class extends PlainStore {
      override async update(key: SessionKey, changes: SessionChanges) {
        const record = this.sessions.get(key);
        if (record === undefined) return false;
        this.sessions.set(key, merged(record, changes));
        return true;
      }
    },
  ],
  "counts an expired session as deleted": [
    "an expired session is not counted by delete",
    class extends PlainStore {
      override async delete(key: SessionKey) {
        return this.sessions.delete(key);
      }
    },
  ],
  "counts expired sessions of an owner": [
    "an expired session is not counted by deleteByOwner",
    class extends PlainStore {
      override async deleteByOwner(owner: string, except?: SessionKey) {
        const before = [...this.sessions.values()].filter((record) => record.owner === owner);
        const deleted = await super.deleteByOwner(owner, except);
        return except === undefined ? before.length : deleted;
      }
    },
  ],
  "keeps the key of an expired session taken": [
    "the key of an expired session can be created again, with nothing of the old one",
    class extends PlainStore {
      override async create(key: SessionKey, record: SessionRecord) {
        return !this.sessions.has(key) && super.create(key, record);
      }
    },
  ],
  "never lengthens a life": [
    "update lengthens a life: the old end passes, the new one counts",
    class extends PlainStore {
      override update(key: SessionKey, changes: SessionChanges) {
        const end = this.find(key)?.expiresAt ?? Infinity;
        return super.update(key, { ...changes, expiresAt: Math.min(end, changes.expiresAt) });
      }
    },
  ],
  "never shortens a life": [
    "update shortens a life: the new end counts",
    class extends PlainStore {
      override update(key: SessionKey, changes: SessionChanges) {
        const end = this.find(key)?.expiresAt ?? 0;
        return super.update(key, { ...changes, expiresAt: Math.max(end, changes.expiresAt) });
      }
    },
  ],
  "keeps for ever what is created too late": [
    "a session that is created when its end has come is never there",
    class extends PlainStore {
      override create(key: SessionKey, record: SessionRecord) {
        const expiresAt = record.expiresAt > this.now() ? record.expiresAt : Infinity;
        return super.create(key, { ...record, expiresAt });
      }
    },
  ],
  "keeps for ever what is updated too late": [
    "an update whose end has come ends the session",
    class extends PlainStore {
      override update(key: SessionKey, changes: SessionChanges) {
        const expiresAt = changes.expiresAt > this.now() ? changes.expiresAt : Infinity;
        return super.update(key, { ...changes, expiresAt });
      }
    },
  ],
  "counts time in 32 bits": [
    "a life may be longer than 2^31 and 2^32 milliseconds",
    class extends PlainStore {
      override isLive(record: SessionRecord) {
        return ((record.expiresAt - this.now()) | 0) > 0;
      }
    },
  ],
  "lists sessions as they came": [
    "listByOwner answers the owner's sessions whole, the oldest first",
    class extends PlainStore {
      override async listByOwner(owner: string) {
        return this.of(owner);
      }
    },
  ],
  "lists sessions as they were created": [
    "listByOwner shows what an update changed",
    class extends PlainStore {
      readonly created = new Map<SessionKey, SessionRecord>();
      override create(key: SessionKey, record: SessionRecord) {
        this.created.set(key, copy(record));
        return super.create(key, record);
      }
      override async listByOwner(owner: string) {
        const listed = await super.listByOwner(owner);
        return listed.map((session) => ({ ...session, ...this.created.get(session.key) }));
      }
    },
  ],
  "knows no owner without a session": [
    "the list of an owner who has no session is empty, and nothing is removed",
    class extends PlainStore {
      override async listByOwner(owner: string) {
        const listed = await super.listByOwner(owner);
        return listed.length === 0 ? (undefined as unknown as typeof listed) : listed;
      }
    },
  ],
  "writes undefined as text": [
    "sessions without an owner are in no list, and nobody's to delete",
    class extends PlainStore {
      override of(owner: string) {
        return super.of(owner).concat(owner === "undefined" ? super.of(undefined) : []);
      }
    },
  ],
  "deletes everyone's sessions": [
    "deleteByOwner removes an owner's sessions, counts them, and no other person's",
    class extends PlainStore {
      override async deleteByOwner(owner: string, except?: SessionKey) {
        const deleted = await super.deleteByOwner(owner, except);
        this.sessions.clear();
        return deleted;
      }
    },
  ],
  "counts wrong in deleteByOwner": [
    "deleteByOwner removes an owner's sessions, counts them, and no other person's",
    class extends PlainStore {
      override async deleteByOwner(owner: string, except?: SessionKey) {
        return Math.min(1, await super.deleteByOwner(owner, except));
      }
    },
  ],
  "spares nothing": [
    "deleteByOwner spares the excepted session and does not count it",
    class extends PlainStore {
      override deleteByOwner(owner: string) {
        return super.deleteByOwner(owner);
      }
    },
  ],
  "counts the one that it spares": [
    "deleteByOwner spares the excepted session and does not count it",
    class extends PlainStore {
      override async deleteByOwner(owner: string, except?: SessionKey) {
        const count = this.of(owner).length;
        await super.deleteByOwner(owner, except);
        return count;
      }
    },
  ],
  "believes that the exception was there": [
    "an exception that is absent or another owner's spares nothing",
    class extends PlainStore {
      override async deleteByOwner(owner: string, except?: SessionKey) {
        const count = this.of(owner).length;
        await super.deleteByOwner(owner, except);
        return except === undefined ? count : count - 1;
      }
    },
  ],
  "ends an owner's oldest session for one that is rotated, too": [
    "a session that is only rotated ends none of its owner's, however many there are",
    class extends PlainStore {
      override async create(key: SessionKey, record: SessionRecord) {
        const isNew = await super.create(key, record);
        const [oldest, ...others] = await this.listByOwner(record.owner ?? "");
        if (oldest !== undefined && others.length >= 20) await this.delete(oldest.key);
        return isNew;
      }
    },
  ],
  "ends an owner's youngest other session for a new one": [
    "a new session ends its owner's oldest, if any, and nobody else's; a refused one none",
    class extends PlainStore {
      override async create(key: SessionKey, record: SessionRecord) {
        const youngest = record.lastSeenAt > record.createdAt ? undefined : this.of(record.owner)[19];
        if (youngest !== undefined) await this.delete(youngest.key);
        return super.create(key, record);
      }
    },
  ],
  "ends the oldest session of all for a new one": [
    "a new session ends its owner's oldest, if any, and nobody else's; a refused one none",
    class extends PlainStore {
      override async create(key: SessionKey, record: SessionRecord) {
        const [oldest] = this.sessions.keys();
        const isRotated = record.lastSeenAt > record.createdAt;
        if (!isRotated && this.of(record.owner).length >= 20) await this.delete(oldest ?? key);
        return super.create(key, record);
      }
    },
  ],
  "ends an owner's oldest session for one whose key is taken": [
    "a new session ends its owner's oldest, if any, and nobody else's; a refused one none",
    class extends PlainStore {
      override async create(key: SessionKey, record: SessionRecord) {
        await endOldest(this, record);
        return super.create(key, record);
      }
    },
  ],
  "ends an owner's oldest session for one that is too large": [
    "a new session ends its owner's oldest, if any, and nobody else's; a refused one none",
    class extends PlainStore {
      override async create(key: SessionKey, record: SessionRecord) {
        if (this.find(key) !== undefined) return false;
        await endOldest(this, record);
        const isLarge = [...record.data.values()].some((value) => value.length > 4096);
        if (isLarge) throw Object.assign(new Error("Large"), { name: "SessionTooLargeError" });
        return super.create(key, record);
      }
    },
  ],
  "lists an owner's first sessions alone": [
    "a new session ends its owner's oldest, if any, and nobody else's; a refused one none",
    class extends PlainStore {
      override of(owner: string) {
        return super.of(owner).slice(0, 25);
      }
    },
  ],
  "takes owners for the same whatever their case": [
    "owners are plain text, whatever they hold",
    class extends PlainStore {
      override of(owner: string) {
        return owner === "ADA" ? super.of(owner).concat(super.of("ada")) : super.of(owner);
      }
    },
  ],
  "looks first and creates later": [
    "of creates of one key at the same time exactly one succeeds, and is what is kept",
    class extends PlainStore {
      override async create(key: SessionKey, record: SessionRecord) {
        if (this.find(key) !== undefined) return false;
        await later();
        this.sessions.set(key, copy(record));
        return true;
      }
    },
  ],
  ...lateUpdates([
    "updates of different keys at the same time are all kept",
    "an update at the same time as a delete never brings the session back",
    "an update at the same time as deleteByOwner never brings the session back",
  ]),
  "looks first and deletes later": [
    "of deletes of one session at the same time exactly one succeeds",
    class extends PlainStore {
      override async delete(key: SessionKey) {
        const isThere = this.find(key) !== undefined;
        await later();
        this.sessions.delete(key);
        return isThere;
      }
    },
  ],
  "counts first and deletes an owner's sessions later": [
    "deletes and deleteByOwner at the same time count every session once",
    class extends PlainStore {
      override async deleteByOwner(owner: string, except?: SessionKey) {
        const doomed = this.of(owner).filter(({ key }) => key !== except);
        await later();
        for (const { key } of doomed) this.sessions.delete(key);
        return doomed.length;
      }
    },
  ],
  "deletes no more of an owner's sessions when it finds one gone": [
    "deletes and deleteByOwner at the same time count every session once",
    class extends PlainStore {
      override async deleteByOwner(owner: string, except?: SessionKey) {
        const doomed = this.of(owner).filter(({ key }) => key !== except);
        await later();
        const gone = doomed.findIndex(({ key }) => !this.sessions.delete(key));
        return gone === -1 ? doomed.length : gone;
      }
    },
  ],
  "forgets who owns what was created meanwhile": [
    "a session created at the same time as deleteByOwner is gone, or listed",
    class extends PlainStore {
      readonly unlisted = new Set<SessionKey>();
      override async deleteByOwner(owner: string, except?: SessionKey) {
        const deleted = await super.deleteByOwner(owner, except);
        await later();
        for (const { key } of this.of(owner)) if (key !== except) this.unlisted.add(key);
        return deleted;
      }
      override async listByOwner(owner: string) {
        const listed = await super.listByOwner(owner);
        return listed.filter(({ key }) => !this.unlisted.has(key));
      }
    },
  ],
  ...updatesInSteps([
    "a session that is deleted at any step of an update stays deleted",
    "what an update sets at any step of another update is kept, and so is the other's",
  ]),
  "reads the times first, and the data in a step of its own": [
    "what is read or listed is a whole session, whatever comes at any of the steps",
    class extends PlainStore {
      override async read(key: SessionKey) {
        const record = await super.read(key);
        await this.between();
        const now = await super.read(key);
        return record && { ...record, data: now?.data ?? new Map() };
      }
    },
  ],
  "cannot list what is deleted meanwhile": [
    "what is read or listed is a whole session, whatever comes at any of the steps",
    class extends PlainStore {
      override async listByOwner(owner: string) {
        const listed = await super.listByOwner(owner);
        await this.between();
        for (const { key } of listed) assert.notEqual(this.find(key), undefined);
        return listed;
      }
    },
  ],
  "takes a session off the list in a step of its own": [
    "a session that is created at any step of deleteByOwner is gone, or listed",
    class extends PlainStore {
      readonly unlisted = new Set<SessionKey>();
      override async deleteByOwner(owner: string, except?: SessionKey) {
        const deleted = await super.deleteByOwner(owner, except);
        await this.between();
        for (const { key } of this.of(owner)) if (key !== except) this.unlisted.add(key);
        return deleted;
      }
      override async listByOwner(owner: string) {
        const listed = await super.listByOwner(owner);
        return listed.filter(({ key }) => !this.unlisted.has(key));
      }
    },
  ],
  "lists a session in a step of its own, before it is there": [
    "a session is gone, or listed, when deleteByOwner comes at any step of its creation",
    class extends EarlyListStore {
      override async deleteByOwner(owner: string, except?: SessionKey) {
        const deleted = await super.deleteByOwner(owner, except);
        for (const key of this.listed) if (key !== except) this.listed.delete(key);
        return deleted;
      }
    },
  ],
  "takes off the list what is not there yet": [
    "a session is listed, also when its owner's are listed at any step of its creation",
    class extends EarlyListStore {
      override async listByOwner(owner: string) {
        for (const key of this.listed) if (!this.sessions.has(key)) this.listed.delete(key);
        return super.listByOwner(owner);
      }
    },
  ],
  "takes a fault for an absent session": [
    "when what the store relies on fails, every method throws",
    class extends PlainStore {
      override async read(key: SessionKey) {
        return super.read(key).catch(() => undefined);
      }
    },
  ],
  "takes a fault for an absent session once it has found one": [
    "a method throws when any of its steps fails, or has done what it says",
    class extends PlainStore {
      override async update(key: SessionKey, changes: SessionChanges) {
        if (this.find(key) === undefined) return false;
        try {
          await this.between();
          return await super.update(key, changes);
        } catch {
          return false;
        }
      }
    },
  ],
  "leaves out of a list what it cannot read": [
    "a method throws when any of its steps fails, or has done what it says",
    class extends PlainStore {
      override async listByOwner(owner: string) {
        const listed = await super.listByOwner(owner);
        const steps = await Promise.allSettled(listed.map(() => this.between()));
        return listed.filter((_, index) => steps[index]?.status === "fulfilled");
      }
    },
  ],
  "leaves an owner what it cannot delete": [
    "a method throws when any of its steps fails, or has done what it says",
    class extends PlainStore {
      override async deleteByOwner(owner: string, except?: SessionKey) {
        const doomed = this.of(owner).filter(({ key }) => key !== except);
        const steps = doomed.map(async ({ key }) => {
          await this.between();
          return this.delete(key);
        });
        const ends = await Promise.allSettled(steps);
        return ends.filter((end) => end.status === "fulfilled" && end.value).length;
      }
    },
  ],
};

/** Makes room for an owner's new session. */
async function endOldest(store: PlainStore, { owner, createdAt, lastSeenAt }: SessionRecord) {
  const [oldest, ...others] = await store.listByOwner(owner ?? "");
  const isNew = lastSeenAt === createdAt;
  if (isNew && oldest !== undefined && others.length >= 19) await store.delete(oldest.key);
}

function later(): Promise<void> {
  return Promise.resolve();
}

/** The same mistake, found out by each of these claims: reads and writes back in two steps. */
function updatesInSteps(claims: readonly string[]): typeof wrongStores {
  class UpdatesInSteps extends PlainStore {
    override async update(key: SessionKey, changes: SessionChanges) {
      const record = this.find(key);
      if (record === undefined) return false;
      await this.between();
      this.sessions.set(key, merged(record, changes));
      return true;
    }
  }
  const rows = claims.map((claim) => [`updates in steps: ${claim}`, [claim, UpdatesInSteps]] as const);
  return Object.fromEntries(rows);
}

/** The same mistake, found out by each of these claims: reads, waits, and writes it all back. */
function lateUpdates(claims: readonly string[]): typeof wrongStores {
  class LateUpdates extends PlainStore {
    override async update(key: SessionKey, changes: SessionChanges) {
      const record = this.find(key);
      if (record === undefined) return false;
      await later();
      this.sessions.set(key, merged(record, changes));
      return true;
    }
  }
  const rows = claims.map((claim) => [`updates late: ${claim}`, [claim, LateUpdates]] as const);
  return Object.fromEntries(rows);
}

describe("a store is found out that", () => {
  for (const [wrong, [claim, Store]] of Object.entries(wrongStores)) {
    test(wrong, async () => {
      const failed: string[] = [];
      for (const { claim, check } of contract) {
        await check(making(Store)).catch(() => failed.push(claim));
      }
      assert.ok(failed.includes(claim), `fails "${failed.join('", "')}"`);
    });
  }
});

test("every claim of the contract finds some store out", () => {
  const finds = new Set(Object.values(wrongStores).map(([claim]) => claim));
  assert.deepEqual(
    contract.map(({ claim }) => claim).filter((claim) => !finds.has(claim)),
    [],
  );
});

test("a store is closed after each claim, kept or not", async () => {
  for (const Store of [PlainStore, wrongStores["forgets expiry"]?.[1] ?? PlainStore]) {
    let open = 0;
    for (const { check } of contract) {
      const makeStore: MakeStore = async () => {
        open++;
        return { ...(await making(Store)()), close: () => void open-- };
      };
      await check(makeStore).catch(() => undefined);
      assert.equal(open, 0);
    }
  }
});

// The compiler holds a store's author too: `npm run check` fails when it takes one of these.
const right = {
  create: () => true,
  read: () => undefined,
  update: () => true,
  delete: async () => true,
  listByOwner: () => [],
  deleteByOwner: async () => 0,
} satisfies SessionStore;
// @ts-expect-error: a method is missing
({ ...right, update: undefined }) satisfies SessionStore;
// @ts-expect-error: an answer is of the wrong type
({ ...right, create: () => "OK" }) satisfies SessionStore;
// @ts-expect-error: null is not undefined
({ ...right, read: async () => null }) satisfies SessionStore;
// @ts-expect-error: a record lacks its times
({ ...right, read: () => ({ owner: undefined, data: new Map() }) }) satisfies SessionStore;
// @ts-expect-error: a summary lacks its key
({ ...right, listByOwner: (owner: string) => [recordOf(owner)] }) satisfies SessionStore;
// @ts-expect-error: a number is wanted as the owner
({ ...right, deleteByOwner: (owner: number) => owner }) satisfies SessionStore;
// @ts-expect-error: an id is not a key
"c2Vzc2lvbiBpZA" satisfies SessionKey;

function recordOf(owner: string): SessionRecord {
  return { owner, data: new Map(), createdAt: 0, lastSeenAt: 0, expiresAt: 0 };
}
