import { constants } from "node:fs";
import { join } from "node:path";
import { AuditError } from "@vouchtrail/events/errors";
import type { Clock } from "../../clock.ts";
import type { SpoolBatch } from "../../spool.ts";
import type { OutgoingEvent } from "../../transport.ts";
import { createLane, type Lane } from "./lane.ts";
import { SPOOL_ASIDE_MS, SPOOL_DAMAGED_SHARE } from "./limits.ts";
import { isMissing, toSpoolError } from "./spool-failure.ts";
import { formatFileName, formatTakenName, parseFileName, type SpoolFileName } from "./spool-file-name.ts";
import { countFolder, type FolderUsage, listFolder, type SpoolFileSystem } from "./spool-folder.ts";
import { isHolderEnded, type SpoolHolder } from "./spool-holder.ts";
import { type ByteRange, openSpoolReader, type SpoolReader } from "./spool-reader.ts";
import type { SpoolWriter } from "./spool-writer.ts";

/** Gives the events of a spool back. */
export interface SpoolOutlet {
  /** As `Spool.take`. */
  take(limits: { readonly eventsMax: number; readonly bytesMax: number }): Promise<SpoolBatch | undefined>;
  /** Lets go of what was not sent, so that anybody may take it. */
  release(): Promise<void>;
}

export interface SpoolOutletParts {
  readonly fileSystem: SpoolFileSystem;
  readonly directory: string;
  readonly clock: Clock;
  readonly bytesMax: number;
  readonly usage: FolderUsage;
  readonly holder: SpoolHolder;
  readonly writer: SpoolWriter;
  /** What touches the file that is being written goes through it. */
  readonly lane: Lane;
  readonly onProblem: (error: AuditError) => void;
}

interface OpenFile {
  readonly name: string;
  readonly stem: string;
  readonly reader: SpoolReader;
}

const KEEP = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | (constants.O_NOFOLLOW ?? 0);

/**
 * Reads file after file in the order of their names: those of this process, those that were let go, and those of processes that have ended, which it
 * takes over by renaming them before it reads. The folder is the only list of files, so that nothing that lies there is ever forgotten.
 *
 * Rules: SDK-11, SDK-13 to SDK-16.
 */
export function createSpoolOutlet(parts: SpoolOutletParts): SpoolOutlet {
  const { fileSystem, directory, clock, usage, holder, writer } = parts;
  /** Take and done, which must not overlap. */
  const turns = createLane();
  /** Files that cannot be read or removed, and until when they are left alone. */
  const aside = new Map<string, number>();
  /** Files that were sent and could not be removed, and their bytes. */
  const sent = new Map<string, number>();
  let file: OpenFile | undefined;
  let batch: SpoolBatch | undefined;

  async function nextBatch(limits: { readonly eventsMax: number; readonly bytesMax: number }): Promise<SpoolBatch | undefined> {
    for (;;) {
      file ??= await openNext();
      if (file === undefined) return undefined;
      try {
        const events = await file.reader.next(limits);
        if (events.length > 0) return makeBatch(events);
        await finish(file);
      } catch (error) {
        await setAside(file.name, error);
      }
      await closeFile();
    }
  }

  function makeBatch(events: readonly OutgoingEvent[]): SpoolBatch {
    const made: SpoolBatch = {
      events,
      done: () =>
        turns.run(async () => {
          if (batch !== made) return;
          batch = undefined;
          if (file === undefined) return;
          try {
            if (!(await file.reader.isAtEnd())) return;
            await finish(file);
          } catch (error) {
            await setAside(file.name, error);
          }
          await closeFile();
        }),
    };
    batch = made;
    return made;
  }

  async function closeFile(): Promise<void> {
    await file?.reader.close().catch(() => undefined);
    file = undefined;
  }

  /** Every event of the file is in the trail: it goes. Lines that were damaged are kept first. */
  async function finish({ name, stem, reader }: OpenFile): Promise<void> {
    const damaged = reader.damaged();
    if (damaged.length > 0) {
      await keepDamaged(stem, reader, damaged);
      const message =
        "Lines in the spool are damaged and were not sent. They are kept in the files that end in .damaged: look at them, then remove them.";
      parts.onProblem(new AuditError("SPOOL_FAILED", { message, detail: { places: damaged.length } }));
    }
    sent.set(name, reader.bytes);
    await remove(name);
  }

  async function remove(name: string): Promise<void> {
    try {
      await fileSystem.unlink(join(directory, name));
      usage.add(-(sent.get(name) ?? 0));
    } catch (error) {
      // Another process took it over, and sends it again: no harm, the ids are the same.
      if (!isMissing(error)) throw error;
    }
    sent.delete(name);
  }

  async function keepDamaged(stem: string, reader: SpoolReader, ranges: readonly ByteRange[]): Promise<void> {
    let room = parts.bytesMax * SPOOL_DAMAGED_SHARE - (await countFolder(fileSystem, directory, (name) => name.endsWith(".damaged")));
    const handle = await fileSystem.open(join(directory, formatFileName(stem, "damaged")), KEEP, 0o600);
    try {
      for (const range of ranges) {
        room -= range.to - range.from;
        if (room < 0) break;
        const bytes = await reader.read(range);
        await handle.writeFile(bytes);
        usage.add(bytes.length);
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  async function setAside(name: string, error: unknown): Promise<void> {
    // Another process took it over in between.
    if (isMissing(error)) return;
    aside.set(name, clock.nowMs() + SPOOL_ASIDE_MS);
    parts.onProblem(toSpoolError(error));
  }

  /** What waits in files comes first; then the file that is being written is closed to be read. */
  async function openNext(): Promise<OpenFile | undefined> {
    const found = await openOldest();
    if (found !== undefined) return found;
    await parts.lane.run(() => writer.rotate("ready"));
    return await openOldest();
  }

  async function openOldest(): Promise<OpenFile | undefined> {
    const missed = new Set<string>();
    for (;;) {
      // Together, so that no file is closed in between and then taken for one that another spool left.
      const { names, current } = await parts.lane.run(async () => ({
        names: await listFolder(fileSystem, directory),
        current: writer.currentName(),
      }));
      const name = await findOldest(names.filter((one) => one !== current && !missed.has(one)));
      if (name === undefined) return undefined;
      missed.add(name.name);
      const opened = await acquire(name);
      if (opened !== undefined) return opened;
    }
  }

  async function findOldest(names: readonly string[]): Promise<SpoolFileName | undefined> {
    for (const [name, untilMs] of aside) if (untilMs <= clock.nowMs()) aside.delete(name);
    for (const name of names.toSorted()) {
      const parsed = aside.has(name) ? undefined : parseFileName(name);
      if (parsed !== undefined && (await isMine(parsed))) return parsed;
    }
    return undefined;
  }

  /** It is of this process already, or may be taken over. */
  async function isMine({ name, holder: other }: SpoolFileName): Promise<boolean> {
    if (other?.text === holder.text) return true;
    const unchangedMs = await unchangedFor(name);
    if (unchangedMs === undefined) return false;
    return other === undefined || (await isHolderEnded(other, holder, unchangedMs));
  }

  /** Milliseconds; a rename counts as a change. Undefined for what is no file, or of another user. */
  async function unchangedFor(name: string): Promise<number | undefined> {
    try {
      const found = await fileSystem.lstat(join(directory, name));
      const user = process.geteuid?.() ?? 0;
      if (!found.isFile() || (user !== 0 && found.uid !== user)) return undefined;
      return clock.wallMs() - Math.max(found.ctimeMs, found.mtimeMs);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** Undefined when another process was faster, or it cannot be read. */
  async function acquire({ name, stem, holder: other }: SpoolFileName): Promise<OpenFile | undefined> {
    let held = name;
    try {
      if (sent.has(name)) {
        await remove(name);
        return undefined;
      }
      if (other?.text !== holder.text) {
        held = formatTakenName(stem, holder);
        await fileSystem.rename(join(directory, name), join(directory, held));
      }
      return { name: held, stem, reader: await openSpoolReader(fileSystem, join(directory, held)) };
    } catch (error) {
      await setAside(held, error);
      return undefined;
    }
  }

  return {
    take: (limits) => turns.run(async () => batch ?? (await nextBatch(limits))),
    release: () =>
      turns.run(async () => {
        batch = undefined;
        await closeFile();
        for (const name of await listFolder(fileSystem, directory)) {
          const parsed = parseFileName(name);
          if (parsed?.holder?.text !== holder.text) continue;
          await fileSystem.rename(join(directory, name), join(directory, formatFileName(parsed.stem, "free"))).catch(() => undefined);
        }
      }),
  };
}
