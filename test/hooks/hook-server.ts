import { Agent } from "node:http";
import { expect } from "vitest";
import { openWorkplace, type Served, type Workplace } from "../e2e/cli-process.ts";
import { type Answer, sendRequest } from "../hostile/running-server.ts";

/** A real server of the command line that hooks are posted to over kept-alive connections. */
export interface HookServer {
  readonly place: Workplace;
  readonly server: Served;
  /** Posts a payload, or text as it is, to a path of hooks. */
  post(payload: unknown, path?: string, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /** Asks for JSON, and expects an answer. */
  ask<T>(path: string): Promise<T>;
  close(): Promise<void>;
}

/** What an agent is answered: nothing is decided. */
export const UNDECIDED = { status: 200, text: "{}" };

export async function openHookServer(): Promise<HookServer> {
  const place = await openWorkplace();
  const server = await place.serve();
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  return {
    place,
    server,
    post(payload, path = "/hooks/claude-code", headers = {}) {
      const body = typeof payload === "string" ? payload : JSON.stringify(payload);
      const all = { "content-type": "application/json", ...headers };
      return sendRequest(Number(server.port), path, { method: "POST", headers: all, body }, agent);
    },
    async ask<T>(path: string) {
      const response = await fetch(`${server.url}${path}`);
      expect(response.status, path).toBe(200);
      return (await response.json()) as T;
    },
    async close() {
      agent.destroy();
      await place.close();
    },
  };
}
