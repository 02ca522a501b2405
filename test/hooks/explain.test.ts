import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Explanation, ExplanationLink, SessionStep, SessionStory } from "@vouchtrail/events";
import { parseTlogProof, verifyBundle, verifyTlogProof } from "@vouchtrail/protocol";
import { sha256, verifyEd25519 } from "@vouchtrail/server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkExplanation } from "../../packages/cli/src/session/explanation-check.ts";
import type { Served, Workplace } from "../e2e/cli-process.ts";
import { type HookServer, openHookServer, UNDECIDED } from "./hook-server.ts";
import { hooksOfSession, readSessions } from "./session-hooks.ts";

const SEED = new URL("../../../shared/seeds/agent-audit-logging.md", import.meta.url);

let hooks: HookServer;
let place: Workplace;
let server: Served;
beforeAll(async () => {
  hooks = await openHookServer();
  ({ place, server } = hooks);
});
afterAll(() => hooks.close());

async function postHook(payload: object): Promise<void> {
  expect(await hooks.post(payload)).toMatchObject(UNDECIDED);
}

const read = <T>(path: string): Promise<T> => hooks.ask<T>(path);
const storyOf = (id: string): Promise<SessionStory> => read(`/api/v1/sessions/${id}?wait=searchable`);

function flat(steps: readonly SessionStep[]): SessionStep[] {
  return steps.flatMap((step) => [step, ...flat(step.children ?? [])]);
}

/** A session as its hooks tell it: one prompt, one call that is asked for, answered and run. */
function callHooks(session: string, command: string, ending: object): object[] {
  const common = {
    session_id: session,
    cwd: "/repo",
    transcript_path: "/t.jsonl",
    permission_mode: "default",
    prompt_id: `prompt-${session}`,
  };
  const call = { ...common, tool_name: "Bash", tool_input: { command } };
  return [
    { ...common, hook_event_name: "SessionStart", source: "startup" },
    { ...common, hook_event_name: "UserPromptSubmit", prompt: "Please run it." },
    { ...call, hook_event_name: "PreToolUse", tool_use_id: `call-${session}` },
    { ...call, hook_event_name: "PermissionRequest" },
    { ...call, ...ending, tool_use_id: `call-${session}` },
    { ...common, hook_event_name: "Stop", last_assistant_message: "It is done." },
    { ...common, hook_event_name: "SessionEnd", reason: "other" },
  ];
}
const RAN = { hook_event_name: "PostToolUse", tool_response: { stdout: "ok" }, duration_ms: 5 };

/** Checks every link with the protocol's own functions: signature, inclusion, leaf and sections. */
async function provedRoles({ chain, checkpoint }: Explanation): Promise<string[]> {
  const vkey = (await (await fetch(`${server.url}/tlog/main/vkey`)).text()).trim();
  const trust = { vkey, sha256, verify: verifyEd25519 };
  return chain.map(({ role, entry, inclusionProof, bundle }) => {
    const { leafHash, index } = verifyBundle(bundle, trust);
    expect(index).toBe(entry.index);
    expect(Buffer.from(leafHash).toString("base64")).toBe(entry.leafHash);
    expect(verifyTlogProof(inclusionProof, { ...trust, leafHash }).index).toBe(index);
    expect(parseTlogProof(inclusionProof).checkpoint).toBe(checkpoint);
    return role;
  });
}

test("SESSION-2: hooks and transcript of a real session are one story in which each prompt and each call stands once", async () => {
  const session = readSessions()?.sort((left, right) => left.events.length - right.events.length)[4];
  if (session === undefined) return;
  const { sessionId, events, file } = session;
  for (const hook of hooksOfSession(events)) await postHook(hook);
  const imported = await place.run(["import", file, "--url", server.url]);
  expect(imported.code, imported.err).toBe(0);

  const story = await storyOf(sessionId);
  const steps = flat(story.steps);
  const told = events.filter(({ action }) => action === "ai.tool_call").map(({ context }) => context?.callId);
  expect(
    steps
      .filter(({ kind }) => kind === "call")
      .map(({ callId }) => callId)
      .sort(),
  ).toEqual([...new Set(told)].sort());
  const prompts = events.filter(({ activity, actor }) => activity?.name === "prompt" && actor.type === "user");
  const shown = steps.filter(({ kind, subagent }) => kind === "prompt" && subagent === undefined);
  expect(shown.map(({ text }) => text?.slice(0, 100)).sort()).toEqual(
    prompts.map(({ activity }) => activity?.message?.text?.slice(0, 100)).sort(),
  );
  expect(story).toMatchObject({ id: sessionId, prompts: prompts.length, toolCalls: new Set(told).size, isTruncated: false });
  expect(story.vantagePoints).toEqual(["hook", "import"]);

  const indexes = steps.flatMap(({ entries, approval }) => [...entries, ...(approval?.entries ?? [])].map(({ index }) => index));
  expect(new Set(indexes).size).toBe(story.entries);

  // Each subagent stands below the call that started it.
  const agents = new Set(events.flatMap(({ labels }) => labels?.subagent ?? []));
  const starters = steps.filter(({ children = [] }) => children.some(({ kind }) => kind === "subagent"));
  expect(
    starters.flatMap(({ children = [] }) => children.filter(({ kind }) => kind === "subagent").map(({ subagent }) => subagent)).sort(),
  ).toEqual([...agents].sort());
  expect(starters.map(({ kind }) => kind)).toEqual(starters.map(() => "call"));
}, 60_000);

test("EXPLAIN-1: a call is explained by its prompt, approval, action and outcome, each with a proof that verifies", async () => {
  for (const hook of callHooks("explained", "npm test", RAN)) await postHook(hook);
  const call = flat((await storyOf("explained")).steps).find(({ kind }) => kind === "call");
  expect(call).toMatchObject({
    title: "Bash: npm test",
    outcome: { status: "success" },
    approval: { state: "approved", basis: "inferred", by: { kind: "unknown" } },
  });
  for (const { id } of [...(call?.entries ?? []), ...(call?.approval?.entries ?? [])]) {
    const explanation = await read<Explanation>(`/api/v1/events/${id}/explain`);
    expect(await provedRoles(explanation)).toEqual(["prompt", "approval", "action", "outcome"]);
    expect(explanation.chain.map(({ why }) => why).filter((why) => why === "the event itself")).toHaveLength(1);
    expect(explanation.chain[0]).toMatchObject({ basis: "joined", why: expect.any(String) });
    expect(explanation.missing.map(({ role }) => role)).toEqual(["decision"]);
  }
});

test("EXPLAIN-4: the decision of the seed's example explains the call that follows it in its session", async () => {
  let seed: string;
  try {
    seed = readFileSync(SEED, "utf8");
  } catch {
    console.warn("The shared seeds are not here: no decision was taken from them.");
    return;
  }
  const examples = [...seed.matchAll(/```json\n(\{[\s\S]*?)```/g)]
    .map(([, json = ""]) => json)
    .filter((json) => json.includes('"outcome"'));
  const decision = examples.find((json) => json.includes('"type": "decision"')) ?? "";
  const session = "decided-session";
  const about = (json: string, id: string): string =>
    JSON.stringify({ ...(JSON.parse(json) as { agent: object }), id, timestamp: `2025-01-02T10:3${id.at(-1)}:00.000Z` }).replaceAll(
      '"abc123"',
      `"${session}"`,
    );
  const call = examples.find((json) => json.includes('"name": "Bash"')) ?? "";
  for (const body of [about(decision, "550e8400-e29b-41d4-a716-446655440001"), about(call, "550e8400-e29b-41d4-a716-446655440002")]) {
    const { status } = await hooks.post(body, "/log");
    expect(status).toBe(201);
  }
  const action = flat((await storyOf(session)).steps).find(({ kind }) => kind === "call")?.entries[0];
  const explanation = await read<Explanation>(`/api/v1/events/${action?.id}/explain`);
  expect(await provedRoles(explanation)).toEqual(["decision", "action"]);
  expect(explanation.chain[0]?.entry.event).toMatchObject({ activity: { decision: { chosen: "rollback" } } });
  expect(explanation.missing.map(({ role }) => role)).toEqual(["prompt", "approval"]);
});

test("EXPLAIN-9: the command line checks each proof itself, and shows a session as lines that no content can break", async () => {
  const session = "hostile";
  const command = "printf '\u001b[2J\u202eoverwritten'";
  for (const hook of callHooks(session, command, { hook_event_name: "PostToolUseFailure", error: "Exit code 2\nno", duration_ms: 3 }))
    await postHook(hook);
  const told = await place.run(["session", session, "--url", server.url, "--wait"]);
  expect(told.code, told.err).toBe(0);
  expect(told.out).toContain("Bash: printf");
  expect(told.out).toMatch(/failed +Bash: printf .* EXIT_2, 3 ms, approved .*\(inferred\)/);
  expect(told.out).toMatch(/Totals +1 prompt, 1 call, 1 failure, 0 denials, 7 entries/);
  expect(told.out).toMatch(/Record +hostile: /);
  expect(told.out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);

  const id = flat((await storyOf(session)).steps).find(({ kind }) => kind === "call")?.entries[0]?.id ?? "";
  const explained = await place.run(["explain", id, "--url", server.url]);
  expect(explained.code, explained.err).toBe(0);
  expect(explained.out).toMatch(
    /PROMPT[\s\S]*APPROVAL[\s\S]*ACTION[\s\S]*OUTCOME[\s\S]*4 entries are proved under one checkpoint; checked here/,
  );
  expect(explained.out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
  expect(explained.err).toContain("--vkey");

  const vkey = (await (await fetch(`${server.url}/tlog/main/vkey`)).text()).trim();
  const pinned = await place.run(["explain", id, "--url", server.url, "--vkey", vkey, "--json"]);
  expect(JSON.parse(pinned.out)).toMatchObject({ isKeyPinned: true, checks: [1, 2, 3, 4].map(() => ({ isGood: true })) });

  const trust = { vkey, sha256, verify: verifyEd25519 };
  const good = await read<Explanation>(`/api/v1/events/${id}/explain`);
  expect(checkExplanation(good, trust).map(({ isGood }) => isGood)).toEqual([true, true, true, true]);
  const changed = (change: (link: ExplanationLink) => object): boolean[] =>
    checkExplanation({ ...good, chain: good.chain.map((link, i) => (i === 2 ? { ...link, ...change(link) } : link)) }, trust).map(
      ({ isGood }) => isGood,
    );
  const bad = [true, true, false, true];
  expect(changed(({ entry }) => ({ entry: { ...entry, event: { ...entry.event, action: "ai.other" } } }))).toEqual(bad);
  expect(changed(({ entry }) => ({ entry: { ...entry, index: entry.index + 1 } }))).toEqual(bad);
  expect(changed(({ bundle }) => ({ bundle: { ...bundle, leaf: bundle.leaf.replace("tool_call", "tool_cell") } }))).toEqual(bad);
  expect(changed(() => ({ bundle: good.chain[1]?.bundle }))).toEqual(bad);
  const other = { ...good, checkpoint: good.checkpoint.replace(/^\d+$/m, "1") };
  expect(checkExplanation(other, trust).some(({ isGood }) => isGood)).toBe(false);
});

test("EXPLAIN-9: an answer that shows something else than what is proved ends the command with 4", async () => {
  for (const hook of callHooks("lied-about", "rm -rf /", RAN)) await postHook(hook);
  const id = flat((await storyOf("lied-about")).steps).find(({ kind }) => kind === "call")?.entries[0]?.id ?? "";
  const vkey = await (await fetch(`${server.url}/tlog/main/vkey`)).text();
  const told = await (await fetch(`${server.url}/api/v1/events/${id}/explain`)).text();
  const { chain, ...rest } = JSON.parse(told) as Explanation;
  const harmless = chain.map(({ entry, ...link }) => ({
    ...link,
    entry: JSON.parse(JSON.stringify(entry).replaceAll("rm -rf /", "ls")) as object,
  }));
  const liar = createServer((request, response) => {
    response.end(request.url?.endsWith("/vkey") === true ? vkey : JSON.stringify({ ...rest, chain: harmless }));
  });
  await once(liar.listen(0, "127.0.0.1"), "listening");
  try {
    const url = `http://127.0.0.1:${(liar.address() as AddressInfo).port}`;
    const { code, out } = await place.run(["explain", id, "--url", url]);
    expect(code).toBe(4);
    expect(out).toContain("PROOF FAILS: what is shown is not what is proved");
    expect(out).toMatch(/3 of 4 do NOT hold/);
  } finally {
    liar.close();
  }
});

test("SESSION-1: what there is no session or event of is not found, on the command line too", async () => {
  for (const path of ["/api/v1/sessions/none", "/api/v1/events/00000000-0000-4000-8000-000000000000/explain"]) {
    const response = await fetch(`${server.url}${path}`);
    expect([response.status, ((await response.json()) as { error: { code: string } }).error.code]).toEqual([404, "NOT_FOUND"]);
  }
  const { code, err } = await place.run(["session", "none", "--url", server.url]);
  expect([code, err]).toEqual([1, "vouchtrail: There is no session with this id.\n"]);
});
