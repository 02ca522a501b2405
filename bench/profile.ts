import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** One function of a CPU profile: time spent in itself, not in what it calls. */
export interface ProfiledFunction {
  readonly name: string;
  /** `package/file`, or where the run time has it. */
  readonly place: string;
  readonly selfUs: number;
  /** Of the time that the thread was at work. */
  readonly share: number;
}

const AT_REST = new Set(["(idle)", "(root)"]);

/** Sums up the one profile that `node --cpu-prof` left in a folder, the most expensive function first. */
export async function readProfile(folder: string): Promise<readonly ProfiledFunction[]> {
  const name = (await readdir(folder)).find((file) => file.endsWith(".cpuprofile"));
  if (name === undefined) throw new Error("The server left no CPU profile.");
  const profile = JSON.parse(await readFile(join(folder, name), "utf8")) as CpuProfile;
  const nodes = new Map(profile.nodes.map((node) => [node.id, node.callFrame]));
  const functions = new Map<string, { name: string; place: string; selfUs: number }>();
  let busyUs = 0;
  profile.samples.forEach((id, i) => {
    const frame = nodes.get(id);
    const selfUs = profile.timeDeltas[i] ?? 0;
    if (frame === undefined || AT_REST.has(frame.functionName)) return;
    busyUs += selfUs;
    const place = placeOf(frame.url);
    const key = `${frame.functionName} ${place} ${frame.lineNumber}`;
    const known = functions.get(key) ?? { name: frame.functionName || "(anonymous)", place, selfUs: 0 };
    known.selfUs += selfUs;
    functions.set(key, known);
  });
  return [...functions.values()].map((one) => ({ ...one, share: one.selfUs / busyUs })).sort((left, right) => right.selfUs - left.selfUs);
}

/** Only the end of a path: a report must not tell where it was made. */
function placeOf(url: string): string {
  if (url === "") return "(engine)";
  if (url.startsWith("node:")) return url;
  const ours = /\/packages\/([a-z]+)\/(?:dist|src)\/(.+)\.[jt]s$/.exec(url);
  if (ours !== null) return `${ours[1]}/${ours[2]}`;
  return /\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? url.split("/").slice(-1)[0] ?? "";
}
