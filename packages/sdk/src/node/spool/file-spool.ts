import * as promises from "node:fs/promises";
import { resolve } from "node:path";
import { AuditError } from "@vouchtrail/events/errors";
import { type Clock, systemClock } from "../../clock.ts";
import type { Spool } from "../../spool.ts";
import { createLane } from "./lane.ts";
import { SPOOL_BYTES_MAX_DEFAULT } from "./limits.ts";
import { toSpoolError } from "./spool-failure.ts";
import { formatStem } from "./spool-file-name.ts";
import { createFolderUsage, type SpoolFileSystem } from "./spool-folder.ts";
import { createHolder } from "./spool-holder.ts";
import { createSpoolIntake } from "./spool-intake.ts";
import { createSpoolOutlet, type SpoolOutlet } from "./spool-outlet.ts";
import { createSpoolWriter, type SpoolWriter } from "./spool-writer.ts";

export interface FileSpoolOptions {
  /** Folder, made with mode 0700 when it is not there. Several processes may share it. */
  readonly directory: string;
  /** Bytes of all files in the folder; default 256 MiB. */
  readonly bytesMax?: number;
  /** Gives what takes secrets out of the JSON of an event before it is written. Called before each write, so that it can be loaded when it is needed. */
  readonly redaction?: () => Promise<(json: string) => string>;
  /**
   * Told of what went wrong and was worked around: lines that are damaged, files that cannot be read or removed. Always `SPOOL_FAILED`; default: nobody is told.
   */
  readonly onProblem?: (error: AuditError) => void;
}

/** What the spool takes from the machine. */
export interface FileSpoolMachine {
  readonly clock: Clock;
  readonly fileSystem: SpoolFileSystem;
  /** Default: the name of the host. */
  readonly hostName?: string;
}

const MACHINE: FileSpoolMachine = { clock: systemClock, fileSystem: promises };

interface OpenSpool {
  readonly writer: SpoolWriter;
  readonly outlet: SpoolOutlet;
}

/**
 * Opens a spool in a folder. Nothing is touched before the first append or take.
 *
 * What a resolved append kept is given out until it is done, however processes end: never lost, at times given twice. Rules: SDK-11 to SDK-19.
 *
 * @throws {AuditError} From its methods: `SPOOL_FULL`, `SPOOL_FAILED` with the cause, `EMITTER_CLOSED` for an append after the close.
 */
export function openFileSpool(options: FileSpoolOptions, machine: FileSpoolMachine = MACHINE): Spool {
  const { clock, fileSystem } = machine;
  const directory = resolve(options.directory);
  const bytesMax = options.bytesMax ?? SPOOL_BYTES_MAX_DEFAULT;
  const onProblem = options.onProblem ?? (() => undefined);
  const usage = createFolderUsage(fileSystem, directory, clock, bytesMax);
  const lane = createLane();
  const intake = createSpoolIntake({
    writer: async () => (await opened()).writer,
    usage,
    lane,
    redaction: options.redaction ?? (async () => (json) => json),
  });
  let opening: Promise<OpenSpool> | undefined;
  let isClosed = false;
  let mayHold = true;
  let appends = 0;

  function opened(): Promise<OpenSpool> {
    opening ??= open();
    return opening;
  }

  async function open(): Promise<OpenSpool> {
    const holder = await createHolder(machine.hostName);
    const startedMs = clock.wallMs();
    let number = 0;
    const writer = createSpoolWriter(fileSystem, directory, () => {
      number += 1;
      return formatStem(startedMs, holder, number);
    });
    return { writer, outlet: createSpoolOutlet({ fileSystem, directory, clock, bytesMax, usage, holder, writer, lane, onProblem }) };
  }

  return {
    async append(events) {
      if (isClosed) throw new AuditError("EMITTER_CLOSED");
      appends += 1;
      mayHold = true;
      await intake.append(events);
    },
    async take(limits) {
      if (isClosed) return undefined;
      const appendsBefore = appends;
      try {
        const batch = await (await opened()).outlet.take(limits);
        if (batch === undefined && appends === appendsBefore) mayHold = false;
        return batch;
      } catch (error) {
        throw toSpoolError(error);
      }
    },
    mayHoldEvents: () => mayHold,
    async close() {
      if (isClosed) return;
      isClosed = true;
      await intake.idle();
      if (opening === undefined) return;
      const { writer, outlet } = await opening;
      try {
        await lane.run(() => writer.rotate("free"));
        await outlet.release();
      } catch (error) {
        // Nothing is lost: once this process has ended, others take over what is there.
        onProblem(toSpoolError(error));
      }
    },
  };
}
