import { readFile, realpath } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { isMissing } from "./spool-failure.ts";

/**
 * Whether files in a folder outlive what may happen to this machine.
 *
 * - `yes`: they lie on a disk, or on a file server.
 * - `memory`: they are gone when the machine restarts.
 * - `container`: they are gone when the container is replaced. Mount a volume.
 * - `unknown`: the system does not tell, or tells something that is not known here.
 */
export type FolderDurability = "yes" | "memory" | "container" | "unknown";

const DURABILITY: Readonly<Record<string, FolderDurability>> = {
  tmpfs: "memory",
  ramfs: "memory",
  devtmpfs: "memory",
  rootfs: "memory",
  overlay: "container",
  aufs: "container",
  "fuse.fuse-overlayfs": "container",
  ext2: "yes",
  ext3: "yes",
  ext4: "yes",
  xfs: "yes",
  btrfs: "yes",
  zfs: "yes",
  f2fs: "yes",
  bcachefs: "yes",
  nfs: "yes",
  nfs4: "yes",
  cifs: "yes",
  ceph: "yes",
};

/** Says on what a folder lies; one that does not exist yet lies where it would be made. Only Linux tells. */
export async function isDurableFolder(directory: string): Promise<FolderDurability> {
  try {
    const mounts = await readFile("/proc/self/mounts", "utf8");
    return durabilityOf(await existingPath(resolve(directory)), mounts);
  } catch {
    return "unknown";
  }
}

/** @param path Absolute, without links. @param mounts As in `/proc/self/mounts`: device, mount point and type a line, with octal escapes. */
export function durabilityOf(path: string, mounts: string): FolderDurability {
  let type = "";
  let longest = -1;
  for (const line of mounts.split("\n")) {
    const [, escaped = "", found = ""] = line.split(" ");
    const point = escaped.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
    // A later mount hides an earlier one at the same place.
    if (point !== "" && isWithin(path, point) && point.length >= longest) {
      longest = point.length;
      type = found;
    }
  }
  return Object.hasOwn(DURABILITY, type) ? DURABILITY[type]! : "unknown";
}

function isWithin(path: string, point: string): boolean {
  return point === "/" || path === point || path.startsWith(`${point}/`);
}

async function existingPath(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (!isMissing(error) || path === dirname(path)) throw error;
    return await existingPath(dirname(path));
  }
}
