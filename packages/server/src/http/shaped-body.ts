import { type ApplicationShape, AuditError, type AuditEventInput, EVENT_BYTES_MAX, fromApplicationShape } from "@vouchtrail/events";
import { splitBody } from "../intake/body.ts";
import type { PositionedFault } from "../intake/intake.ts";
import { parseStrictly } from "../intake/strict-json.ts";
import { faultOf } from "../intake/validate.ts";

/** A body of another shape, as events: each with its place in the request. */
export interface ShapedBody {
  readonly events: readonly AuditEventInput[];
  /** Place in the request of each event. */
  readonly positions: readonly number[];
  readonly errors: readonly PositionedFault[];
  /** Values that had to be replaced or repaired. */
  readonly repairCount: number;
}

/**
 * Reads one value, an array or NDJSON of `shape`. Each value stands for itself: a fault in one leaves the others alone.
 *
 * @throws {AuditError} What concerns the body as a whole, as `splitBody`.
 */
export function readShapedBody(body: Buffer, shape: ApplicationShape, isNdjson: boolean): ShapedBody {
  const events: AuditEventInput[] = [];
  const positions: number[] = [];
  const errors: PositionedFault[] = [];
  let repairCount = 0;
  for (const [position, scanned] of splitBody(body, isNdjson).values.entries()) {
    try {
      if (scanned.end - scanned.start > EVENT_BYTES_MAX) throw tooLarge(scanned.end - scanned.start);
      const { event, notes } = fromApplicationShape(shape, parseStrictly(body, scanned));
      events.push(event);
      positions.push(position);
      repairCount += notes.length;
    } catch (error) {
      if (!(error instanceof AuditError)) throw error;
      errors.push({ position, ...faultOf(error) });
    }
  }
  return { events, positions, errors, repairCount };
}

function tooLarge(bytes: number): AuditError {
  return new AuditError("EVENT_TOO_LARGE", { message: `One event has at most ${EVENT_BYTES_MAX} bytes.`, detail: { bytes } });
}
