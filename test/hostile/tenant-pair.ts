import { copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { Agent } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JsonObject } from "@vouchtrail/events";
import {
  createLogger,
  dataPaths,
  loadConfig,
  openKeyStore,
  prepareDataDirectory,
  type RunningServer,
  type Scope,
  sealSystemEntry,
  startServer,
} from "@vouchtrail/server";
import { KEYS_FILE } from "../../packages/server/src/keys.ts";
import { type Answer, type SendOptions, sendRequest } from "./running-server.ts";

/** A server, and how to ask it. */
export interface Asked {
  readonly running: RunningServer;
  send(path: string, options?: SendOptions): Promise<Answer>;
}

/**
 * Two servers with the same keys and the same time: one for the events of several tenants, the other one for those of a single tenant. To that
 * tenant they must look the same.
 */
export interface TenantPair {
  readonly shared: Asked;
  readonly alone: Asked;
  /** Headers by the names of the keys. */
  readonly headers: Readonly<Record<string, { readonly authorization: string }>>;
  /** Sends events to both servers, or to the shared one only. Time goes on by a second before it. */
  post(events: readonly JsonObject[], to: "both" | "shared"): Promise<void>;
  /** Removes sections of entries by the ids of their events, on both servers. */
  erase(id: string, tenant: string): Promise<void>;
  close(): Promise<void>;
}

export interface PairKey {
  readonly scopes: readonly Scope[];
  readonly tenant?: string;
}

const START_MS = Date.UTC(2026, 2, 1);

export async function openTenantPair(keys: Readonly<Record<string, PairKey>>): Promise<TenantPair> {
  const root = await mkdtemp(join(tmpdir(), "vouchtrail-isolation-"));
  const places = { shared: join(root, "shared"), alone: join(root, "alone") };
  for (const place of Object.values(places)) await prepareDataDirectory(place);
  const headers: Record<string, { authorization: string }> = {};
  const store = openKeyStore(dataPaths(places.shared).secrets);
  for (const [name, { scopes, tenant }] of Object.entries(keys)) {
    const { secret } = await store.create(
      { name, scopes: [...scopes], ...(tenant === undefined ? {} : { tenant }) },
      "2026-01-01T00:00:00.000Z",
    );
    headers[name] = { authorization: `Bearer ${secret}` };
  }
  // The ids of keys stand in entries: both servers have the same ones.
  await mkdir(dataPaths(places.alone).secrets, { recursive: true, mode: 0o700 });
  await copyFile(join(dataPaths(places.shared).secrets, KEYS_FILE), join(dataPaths(places.alone).secrets, KEYS_FILE));

  let elapsedMs = 0;
  const clock = { wallMs: () => START_MS + elapsedMs, monotonicMs: () => elapsedMs };
  const agents: Agent[] = [];

  async function start(data: string): Promise<Asked> {
    const loaded = await loadConfig({
      environment: { VOUCHTRAIL_CONFIG: "" },
      flags: {
        data,
        state: `${data}-state`,
        origin: "isolation.test",
        "http.port": 0,
        "http.loopbackWithoutKey": false,
        "ledger.checkpointIntervalMs": 50,
        "log.level": "silent",
      },
    });
    const running = await startServer({ loaded, environment: {}, logger: createLogger("silent"), clock });
    const agent = new Agent({ keepAlive: true, maxSockets: 8 });
    agents.push(agent);
    return { running, send: (path, options = {}) => sendRequest(Number(new URL(running.url).port), path, options, agent) };
  }

  const shared = await start(places.shared);
  const alone = await start(places.alone);

  return {
    shared,
    alone,
    headers,
    async post(events, to) {
      elapsedMs += 1_000;
      const body = JSON.stringify(events);
      for (const { send } of to === "both" ? [shared, alone] : [shared]) {
        const { status, text } = await send("/api/v1/events", {
          method: "POST",
          headers: { "content-type": "application/json", ...headers.writer },
          body,
        });
        if (status !== 201) throw new Error(`The events were refused: ${text.slice(-400)}`);
      }
    },
    async erase(id, tenant) {
      elapsedMs += 1_000;
      for (const { running } of [shared, alone]) {
        const { ledger } = running;
        const [index = -1] = await ledger.find([{ tenant, id }]);
        // On the shared server the range takes in the neighbours, which are other tenants'.
        const { treeSize } = await ledger.head();
        const range = running === shared.running ? [Math.max(0, index - 2), Math.min(treeSize, index + 1)] : [index, index + 1];
        const erases = { personal: [range as [number, number]] };
        const at = new Date(clock.wallMs()).toISOString();
        const [result] = await ledger.append([sealSystemEntry({ action: "sections.erased", ledger: "main", system: { erases } }, at)]);
        await ledger.erase(erases, result !== undefined && "receipt" in result ? result.receipt.index : -1);
      }
    },
    async close() {
      for (const agent of agents) agent.destroy();
      await shared.running.close();
      await alone.running.close();
      await rm(root, { recursive: true, force: true });
    },
  };
}
