import { AuditError } from "@vouchtrail/events";
import type { FastifyReply } from "fastify";

/** Whether somebody still waits for an answer. */
export interface Departure {
  /** Aborts when the asker is gone, the answer is out, or the server stops. */
  readonly signal: AbortSignal;
  /** Runs the work of an answer. When nobody is left to read it, its failure is no failure; when the server stops, the asker is told. */
  run<T>(work: () => Promise<T>): Promise<T | FastifyReply>;
}

/** Watches the connections of answers, with one listener on `stopping`: that lives as long as the server, and many are answered at a time. */
export function watchDepartures(stopping: AbortSignal): (reply: FastifyReply) => Departure {
  const present = new Set<AbortController>();
  stopping.addEventListener("abort", () => {
    for (const gone of present) gone.abort();
  });

  return (reply) => {
    const gone = new AbortController();
    // Who has left already closes nothing any more.
    if (stopping.aborted || reply.raw.destroyed) gone.abort();
    else present.add(gone);
    reply.raw.once("close", () => {
      present.delete(gone);
      gone.abort();
    });
    return {
      signal: gone.signal,
      async run(work) {
        try {
          return await work();
        } catch (error) {
          if (!gone.signal.aborted) throw error;
          if (stopping.aborted) throw new AuditError("SHUTTING_DOWN", { message: "The server is stopping. Ask again later." });
          return reply.hijack();
        }
      },
    };
  };
}
