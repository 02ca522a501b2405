// The measured program: the real server with its defaults, listening on a free port.
// Arguments: data folder, state folder, and where the process of the search index leaves its CPU profile, if it is wanted.
import { ADMIN_KEY_VARIABLE, loadConfig, startServer } from "@vouchtrail/server";
import { ADMIN_KEY } from "./admin-key.ts";
import { answerParent } from "./meter.ts";

const [data = "", state = "", searchProfiles] = process.argv.slice(2);
// This process has its options already; only processes that it starts look at the variable.
if (searchProfiles !== undefined) process.env.NODE_OPTIONS = `--cpu-prof --cpu-prof-dir=${searchProfiles}`;
const loaded = await loadConfig({ environment: {}, flags: { data, state, "http.port": 0, "log.level": "warn" } });
const { url, ledger, search, close } = await startServer({ loaded, environment: { [ADMIN_KEY_VARIABLE]: ADMIN_KEY } });

function signalSearch(signal: NodeJS.Signals): void {
  const pid = search.pid();
  if (pid === undefined) throw new Error("The process of the search index is not there.");
  process.kill(pid, signal);
}

async function untilSearchable(): Promise<void> {
  const { treeSize } = await ledger.head();
  for (;;) {
    try {
      return await search.waitFor(treeSize);
    } catch (error) {
      // Readers are told after a while that the index is behind; the benchmark has the time.
      if (!(error instanceof Error) || !("code" in error) || error.code !== "SEARCH_BEHIND") throw error;
    }
  }
}

answerParent(url, {
  idle: () => ledger.idle(),
  searchable: untilSearchable,
  progress() {
    const { treeSize, next } = search.follower();
    return { treeSize, searchedTo: next };
  },
  hold: () => signalSearch("SIGSTOP"),
  release: () => signalSearch("SIGCONT"),
  close,
});
