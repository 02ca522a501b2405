import { Pool } from "undici";
import type { Body } from "./events.ts";

export interface Driven {
  readonly events: number;
  /** From the first request to the last answer. */
  readonly seconds: number;
  /** Of each request, in milliseconds, sorted. */
  readonly latenciesMs: readonly number[];
}

export interface DriveOptions {
  /** Told after each answer how many events were acked so far. */
  readonly onAcked?: (events: number) => void;
}

/**
 * Sends the bodies over `connections` kept-alive connections, each with one request under way, and waits for all answers.
 *
 * @throws When an answer is not 201: a benchmark that counts refused events measures nothing.
 */
export async function drive(url: string, bodies: readonly Body[], connections: number, { onAcked }: DriveOptions = {}): Promise<Driven> {
  const pool = new Pool(url, { connections, pipelining: 1 });
  const latenciesMs: number[] = [];
  let next = 0;
  let events = 0;

  async function send(): Promise<void> {
    for (let body = bodies[next++]; body !== undefined; body = bodies[next++]) {
      const startedMs = performance.now();
      const answer = await pool.request({
        path: "/api/v1/events",
        method: "POST",
        headers: { "content-type": "application/json", "x-count": String(body.count) },
        body: body.bytes,
      });
      if (answer.statusCode !== 201) throw new Error(`${answer.statusCode}: ${(await answer.body.text()).slice(0, 500)}`);
      await answer.body.dump({ limit: 64 * 1_048_576 });
      latenciesMs.push(performance.now() - startedMs);
      events += body.count;
      onAcked?.(events);
    }
  }

  const startedMs = performance.now();
  await Promise.all(Array.from({ length: connections }, send));
  const seconds = (performance.now() - startedMs) / 1_000;
  await pool.close();
  return { events, seconds, latenciesMs: latenciesMs.sort((left, right) => left - right) };
}
