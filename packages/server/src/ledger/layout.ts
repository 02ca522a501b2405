import { join } from "node:path";
import { tilePath } from "@vouchtrail/protocol";

/** Names of the files of one ledger folder. Nothing else may stand in it: `verify` names strangers. Rule: LEDGER-1. */
export const CHECKPOINT_FILE = "checkpoint";
export const VKEY_FILE = "vkey";
export const SEGMENTS_FOLDER = "segments";
export const TILES_FOLDER = "tile";
const SEGMENT_SUFFIX = ".seg";
const SEGMENT_DIGITS = 15;

export function segmentName(first: number): string {
  return String(first).padStart(SEGMENT_DIGITS, "0") + SEGMENT_SUFFIX;
}

export function segmentPath(directory: string, first: number): string {
  return join(directory, SEGMENTS_FOLDER, segmentName(first));
}

/** The first index that a segment's file name tells, or undefined for another file. */
export function parseSegmentName(name: string): number | undefined {
  const match = /^(\d{15})\.seg$/.exec(name);
  return match ? Number(match[1]) : undefined;
}

export function tileFile(directory: string, level: number, n: number): string {
  return join(directory, tilePath(level, n));
}
