import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { ACTOR_TYPES, AuditError, TenantSchema } from "@vouchtrail/events";
import { z } from "zod";
import { type Principal, SCOPES } from "./intake/principal.ts";
import { type FileSystem, isMissing, nodeFileSystem, replaceFile } from "./ledger/file-system.ts";

const KeyRecordSchema = z.strictObject({
  /** Public part of the key; stands in `received.key`. */
  id: z.string().regex(/^[a-z0-9]{8}$/),
  name: z.string().max(100),
  /** SHA-256 of the whole key, hex. The secret has 256 random bits, so a fast hash is enough. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  scopes: z.array(z.enum(SCOPES)).min(1),
  tenant: TenantSchema.optional(),
  source: z.string().min(1).max(128).optional(),
  actorTypes: z.array(z.enum(ACTOR_TYPES)).min(1).optional(),
  createdAt: z.string(),
  revokedAt: z.string().optional(),
});
const KeyFileSchema = z.strictObject({ format: z.literal("vouchtrail-keys/1"), keys: z.array(KeyRecordSchema) });

export type KeyRecord = z.output<typeof KeyRecordSchema>;
export type NewKey = Pick<KeyRecord, "name" | "scopes"> & Partial<Pick<KeyRecord, "tenant" | "source" | "actorTypes">>;

/** Where the keys stand, for people and for the file system. */
export const KEYS_FILE = "keys.json";
const RELOAD_MS = 1_000;

/**
 * API keys, hashed, in `secrets/keys.json` (0600). The file may be changed by `vouchtrail keys` while the server runs; a change is seen within
 * a second.
 */
export interface KeyStore {
  list(): Promise<readonly KeyRecord[]>;
  /** Makes a key and returns its secret, which is not stored. */
  create(key: NewKey, at: string): Promise<{ record: KeyRecord; secret: string }>;
  /** Stores a secret that the operator chose. */
  adopt(secret: string, key: NewKey, at: string): Promise<KeyRecord>;
  /** @throws {AuditError} `NOT_FOUND`. */
  revoke(id: string, at: string): Promise<KeyRecord>;
  /** Who holds this secret. @throws {AuditError} `KEY_INVALID`. */
  authenticate(secret: string): Promise<Principal>;
}

export function openKeyStore(
  folder: string,
  fileSystem: FileSystem = nodeFileSystem,
  monotonicMs: () => number = () => performance.now(),
): KeyStore {
  const path = join(folder, KEYS_FILE);
  let keys: readonly KeyRecord[] = [];
  let loaded = { stamp: "", checkedAt: Number.NEGATIVE_INFINITY };

  async function load(isFresh = false): Promise<readonly KeyRecord[]> {
    const now = monotonicMs();
    if (!isFresh && now - loaded.checkedAt < RELOAD_MS) return keys;
    let stamp = "";
    try {
      const { mtimeMs, size, ino } = await stat(path);
      stamp = `${mtimeMs} ${size} ${ino}`;
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
    if (stamp !== loaded.stamp) keys = stamp === "" ? [] : parse(await fileSystem.readFile(path));
    loaded = { stamp, checkedAt: now };
    return keys;
  }

  function parse(bytes: Buffer): readonly KeyRecord[] {
    try {
      return KeyFileSchema.parse(JSON.parse(bytes.toString("utf8"))).keys;
    } catch (cause) {
      throw new AuditError("DATA_UNREADABLE", {
        message: `${path} is not a file of API keys. Restore it, or remove it and make new keys.`,
        cause,
      });
    }
  }

  async function save(changed: readonly KeyRecord[]): Promise<void> {
    await fileSystem.makeDirectory(folder, 0o700);
    await replaceFile(
      fileSystem,
      path,
      Buffer.from(`${JSON.stringify({ format: "vouchtrail-keys/1", keys: changed }, undefined, 2)}\n`),
      0o600,
    );
    await load(true);
  }

  async function add(secret: string, id: string, key: NewKey, at: string): Promise<KeyRecord> {
    const record = KeyRecordSchema.parse({ ...key, id, hash: hashOf(secret), createdAt: at });
    await save([...(await load(true)), record]);
    return record;
  }

  return {
    list: () => load(true),
    async create(key, at) {
      const id = newId();
      const secret = `vt_${id}_${randomBytes(32).toString("base64url")}`;
      return { record: await add(secret, id, key, at), secret };
    },
    async adopt(secret, key, at) {
      if (secret.length < 16) throw new AuditError("CONFIG_INVALID", { message: "VOUCHTRAIL_ADMIN_KEY must have at least 16 characters." });
      const existing = (await load(true)).find((record) => record.hash === hashOf(secret) && record.revokedAt === undefined);
      return existing ?? add(secret, newId(), key, at);
    },
    async revoke(id, at) {
      const all = await load(true);
      const record = all.find((key) => key.id === id);
      if (record === undefined) throw new AuditError("NOT_FOUND", { message: `There is no key ${id}. vouchtrail keys list shows them.` });
      const revoked = { ...record, revokedAt: record.revokedAt ?? at };
      await save(all.map((key) => (key.id === id ? revoked : key)));
      return revoked;
    },
    async authenticate(secret) {
      const hash = Buffer.from(hashOf(secret), "hex");
      // A key that was revoked may have been adopted again later.
      const record = (await load()).find((key) => key.revokedAt === undefined && timingSafeEqual(Buffer.from(key.hash, "hex"), hash));
      if (record === undefined) throw new AuditError("KEY_INVALID");
      return {
        key: record.id,
        scopes: new Set(record.scopes),
        tenant: record.tenant,
        source: record.source,
        actorTypes: record.actorTypes === undefined ? undefined : new Set(record.actorTypes),
      };
    },
  };
}

const hashOf = (secret: string): string => createHash("sha256").update(secret).digest("hex");

function newId(): string {
  return randomBytes(8).toString("hex").slice(0, 8);
}
