/** Entry bundles: up to 256 leaves, each behind its length. Source: C2SP tlog-tiles. Rule: TILE-4. */

import { ProtocolError } from "./errors.ts";
import { ENTRY_BYTES_MAX, TILE_WIDTH } from "./limits.ts";

/**
 * Joins leaves into a bundle: (16-bit big-endian length, leaf) for each.
 *
 * @param leaves 1 to 256 of 0 to 65,535 bytes.
 * @throws {ProtocolError} `ENTRY_BUNDLE_INVALID` for the count, `ENTRY_TOO_LARGE` for a leaf.
 */
export function encodeBundle(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length < 1 || leaves.length > TILE_WIDTH) throw new ProtocolError("ENTRY_BUNDLE_INVALID", { leaves: leaves.length });
  let bytes = 0;
  for (const leaf of leaves) {
    if (leaf.length > ENTRY_BYTES_MAX) throw new ProtocolError("ENTRY_TOO_LARGE", { bytes: leaf.length, bytesMax: ENTRY_BYTES_MAX });
    bytes += 2 + leaf.length;
  }
  const bundle = new Uint8Array(bytes);
  let at = 0;
  for (const leaf of leaves) {
    bundle[at] = leaf.length >> 8;
    bundle[at + 1] = leaf.length & 0xff;
    bundle.set(leaf, at + 2);
    at += 2 + leaf.length;
  }
  return bundle;
}

/**
 * Divides a bundle into its leaves.
 *
 * @returns 1 to 256 views into `bundle`, not copies.
 * @throws {ProtocolError} `ENTRY_BUNDLE_INVALID` when it is empty, holds more than 256 leaves, or ends inside one.
 */
export function decodeBundle(bundle: Uint8Array): Uint8Array[] {
  const leaves: Uint8Array[] = [];
  let at = 0;
  while (at < bundle.length) {
    if (at + 2 > bundle.length) throw new ProtocolError("ENTRY_BUNDLE_INVALID", { reason: "it ends inside a length", at });
    const end = at + 2 + (bundle[at]! << 8) + bundle[at + 1]!;
    if (end > bundle.length) throw new ProtocolError("ENTRY_BUNDLE_INVALID", { reason: "it ends inside a leaf", at });
    leaves.push(bundle.subarray(at + 2, end));
    at = end;
  }
  if (leaves.length < 1 || leaves.length > TILE_WIDTH) throw new ProtocolError("ENTRY_BUNDLE_INVALID", { leaves: leaves.length });
  return leaves;
}
