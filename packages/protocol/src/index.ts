// The whole public surface of the ledger format. A new line here is public API.
export { type AuthenticatedTiles, createAuthenticatedTiles } from "./authenticated-tiles.ts";
export { decodeBase64, decodeBase64url, encodeBase64, encodeBase64url } from "./base64.ts";
export { type Checkpoint, type CheckpointTrust, formatCheckpoint, openCheckpoint, parseCheckpoint } from "./checkpoint.ts";
export { type Cosignature, cosignatureMessage, countCosignatures, openCosignature } from "./cosignature.ts";
export { type Disclosure, disclosureDigest, encodeDisclosure, parseDisclosure, SECTION_NAMES, type SectionName } from "./disclosure.ts";
export { ED25519_PUBLIC_KEY_BYTES, ED25519_SIGNATURE_BYTES, type Ed25519Sign, type Ed25519Verify } from "./ed25519.ts";
export { type EntryToVerify, type ErasedBy, type SectionState, type VerifiedEntry, verifyEntry } from "./entry.ts";
export { decodeBundle, encodeBundle } from "./entry-bundle.ts";
export { type ErasureRange, type Erasures, isErased, parseErasures } from "./erasure.ts";
export { PROTOCOL_ERRORS, ProtocolError, type ProtocolErrorCode, type ProtocolErrorDetail } from "./errors.ts";
export {
  BUNDLE_FORMAT,
  type BundledErasure,
  type BundleTrust,
  type EvidenceBundle,
  type VerifiedBundle,
  verifyBundle,
} from "./evidence-bundle.ts";
export { assertHash, emptyRoot, hashesEqual, hashLeaf, hashNode, type Sha256 } from "./hash.ts";
export { encodeLeafFrame, LEAF_SCHEMA, type LeafFrame, OUTCOME_STATUSES, type OutcomeStatus, parseLeafFrame } from "./leaf.ts";
export {
  ACTION_CHARS_MAX,
  BUNDLE_ERASURES_MAX,
  DIGEST_CHARS,
  ENTRY_BUNDLE_BYTES_MAX,
  ENTRY_BYTES_MAX,
  HASH_BYTES,
  KEY_NAME_BYTES_MAX,
  NOTE_BYTES_MAX,
  NOTE_SIGNATURES_MAX,
  OCCURRED_AT_CHARS_MAX,
  PROOF_EXTRA_BYTES_MAX,
  PROOF_HASHES_MAX,
  SALT_CHARS,
  TENANT_CHARS_MAX,
  TILE_LEVEL_MAX,
  TILE_WIDTH,
  TREE_SIZE_MAX,
} from "./limits.ts";
export { formatNote, type Note, type NoteSignature, openNote, parseNote, type Signer, signNote } from "./note.ts";
export { type ConsistencyProof, type InclusionProof, verifyConsistency, verifyInclusion } from "./proof.ts";
export { bundlePath, hashTile, levelSize, parseTilePath, type TileName, tilePath, tileWidth } from "./tile.ts";
export { createTileTree, type ReadTile, type SubtreeHashes, type TileTree } from "./tile-tree.ts";
export { formatTlogProof, parseTlogProof, type TlogProof, type VerifiedTlogProof, verifyTlogProof } from "./tlog-proof.ts";
export { createTree, type Tree, type TreeEdge } from "./tree.ts";
export { decodeUtf8, encodeUtf8 } from "./utf8.ts";
export { formatVkey, isKeyName, KEY_TYPES, type KeyType, keyId, parseVkey, type Verifier } from "./vkey.ts";
