import { Readable } from "node:stream";
import { AuditError, type SearchHit } from "@vouchtrail/events";
import type { FastifyReply } from "fastify";
import type { StreamEnd } from "../reading/audit-reader.ts";
import type { StreamFormat } from "./stream-format.ts";

/** Streams at a time: each keeps a connection and holds a few blocks of the ledger. */
const STREAMS_MAX = 32;
/** Characters that are handed to the connection at a time; below it, writing costs more than what is written. */
const PIECE_CHARS = 65_536;

/** The trailer of a stream: it tells that the answer is whole. It is empty when nothing more matches. */
export const CURSOR_TRAILER = "x-vouchtrail-next-cursor";

/** Gives out entries as they are read from the ledger, as fast as they are taken and no faster. */
export interface SearchStreams {
  /**
   * @param onError Told when a stream breaks off after it began: its reader sees only that.
   * @throws {AuditError} `PUSHBACK` when too many are open, and whatever keeps the first entries from being found.
   */
  send(
    reply: FastifyReply,
    hits: AsyncGenerator<readonly SearchHit[], StreamEnd>,
    format: StreamFormat,
    onError: (error: unknown) => void,
  ): Promise<FastifyReply>;
}

export function createSearchStreams(): SearchStreams {
  let open = 0;
  return {
    async send(reply, hits, format, onError) {
      if (open >= STREAMS_MAX) throw new AuditError("PUSHBACK", { message: `${STREAMS_MAX} exports are running already. Retry later.` });
      // Whoever left while the question was noted takes no place, for no "close" would give it back.
      if (reply.raw.destroyed) {
        await hits.return({ treeSize: 0, searchedTo: 0 });
        return reply.hijack();
      }
      open += 1;
      reply.raw.once("close", () => {
        open -= 1;
      });
      // Before the status is sent: a question that cannot be answered is an error, not a stream that breaks off.
      const first = await hits.next();
      let count = 0;
      let end: StreamEnd | undefined;

      async function* pieces(): AsyncGenerator<string> {
        let piece = format.start;
        try {
          for (let step = first; ; step = await hits.next()) {
            if (step.done === true) {
              end = step.value;
              break;
            }
            count += step.value.length;
            for (const hit of step.value) {
              piece += format.entry(hit);
              if (piece.length < PIECE_CHARS) continue;
              yield piece;
              piece = "";
            }
          }
          piece += format.end({ events: count, ...end });
          if (piece !== "") yield piece;
        } catch (error) {
          if (!reply.raw.closed) onError(error);
          throw error;
        } finally {
          await hits.return({ treeSize: 0, searchedTo: 0 });
        }
      }

      reply.trailer(CURSOR_TRAILER, async () => end?.nextCursor ?? "");
      return reply.type(format.contentType).send(Readable.from(pieces(), { objectMode: false }));
    },
  };
}
