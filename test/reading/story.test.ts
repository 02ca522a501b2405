import { fromClaudeCodeHook, type JsonObject, type SearchHit, type SessionStep } from "@vouchtrail/events";
import fc from "fast-check";
import { expect, test } from "vitest";
import { assembleStory } from "../../packages/server/src/reading/story/assemble-story.ts";
import { viewSteps } from "../../packages/server/src/reading/story/step-view.ts";
import { summaryOf } from "../../packages/server/src/reading/story/story-summary.ts";
import { hooksOfSession, readSessions } from "../hooks/session-hooks.ts";
import { anySession } from "./arbitrary-session.ts";
import { hitOf } from "./story-hits.ts";
import { bash, builder, flat, indexesOf, outline, prompt, SESSION, said, stepsOf, timeOf, toldCall } from "./told-session.ts";

test("SESSION-2: every entry of any session stands in exactly one step, and all steps can be reached", () => {
  fc.assert(
    fc.property(anySession, (hits) => {
      const { roots, nodes } = assembleStory(hits);
      expect(indexesOf(viewSteps(roots, nodes))).toEqual(hits.map(({ index }) => index));
      expect(summaryOf(SESSION, hits, nodes).entries).toBe(hits.length);
    }),
    { numRuns: 500 },
  );
});

test("SESSION-5: the story does not depend on the order in which entries are handed over, and what happens at the same time stands by index", () => {
  fc.assert(
    fc.property(
      anySession.chain((hits) => fc.tuple(fc.constant(hits), fc.shuffledSubarray(hits, { minLength: hits.length }))),
      ([hits, shuffled]) => {
        expect(stepsOf(shuffled)).toEqual(stepsOf(hits));
      },
    ),
    { numRuns: 200 },
  );
  const same = builder();
  for (const name of ["c", "a", "b"]) same.told(1, { ...said(name) });
  expect(stepsOf(same.hits).map(({ title }) => title)).toEqual(["response: c", "response: a", "response: b"]);
});

test("SESSION-3: what several vantage points tell of a call is one step with all of its entries", () => {
  const { hits, hook, told } = builder();
  hook(1, { hook_event_name: "PreToolUse", ...bash("c") });
  hook(4, { hook_event_name: "PostToolUse", ...bash("c"), tool_response: {}, duration_ms: 2_000 });
  told(1, toldCall("c", "npm test", { status: "success" }));
  const [step, ...others] = stepsOf(hits);
  expect(others).toEqual([]);
  expect(step).toMatchObject({
    kind: "call",
    title: "Bash: npm test",
    at: timeOf(1),
    endedAt: timeOf(4),
    durationMs: 2_000,
    via: ["hook", "import"],
    outcome: { status: "success" },
    basis: "joined",
  });
  expect(step?.entries.map(({ index, phase }) => [index, phase])).toEqual([
    [0, "intent"],
    [1, "outcome"],
    [2, undefined],
  ]);
});

test("SESSION-4: where the content was erased, the title comes from the envelope and the step says so", () => {
  const { hits, hook } = builder();
  hook(1, { hook_event_name: "UserPromptSubmit", prompt: "secret wish" }, true);
  hook(2, { hook_event_name: "PreToolUse", ...bash("c", "secret command") }, true);
  const steps = flat(stepsOf(hits));
  expect(steps).toMatchObject([
    { title: "prompt", isErased: true },
    { title: "Bash", isErased: true },
  ]);
  expect(JSON.stringify(steps)).not.toContain("secret");
});

test("SESSION-5: hooks that arrived hours late stand where the calls around them say", () => {
  const { hits, hook, told } = builder();
  for (const [i, name] of ["first", "second"].entries()) {
    told(i * 60, prompt(name));
    told(i * 60 + 10, toldCall(`c${i}`, name, { status: "success" }));
    told(i * 60 + 20, said(`answer ${name}`));
  }
  // All at once, an hour and more after the deeds.
  for (const [i, name] of ["first", "second"].entries()) {
    hook(3_000, { hook_event_name: "UserPromptSubmit", prompt: name });
    hook(3_000, { hook_event_name: "PreToolUse", ...bash(`c${i}`, name) });
    hook(3_000, { hook_event_name: "PreCompact", trigger: "auto" });
    hook(3_000, { hook_event_name: "PostToolUse", ...bash(`c${i}`, name), tool_response: {} });
    hook(3_000, { hook_event_name: "Stop", last_assistant_message: `answer ${name}` });
  }
  expect(outline(stepsOf(hits))).toEqual([
    { "prompt: first": ["Bash: first", "agent.context.compacting", "response: answer first"] },
    { "prompt: second": ["Bash: second", "agent.context.compacting", "response: answer second"] },
  ]);
});

test("SESSION-6: a prompt that hook and transcript tell is one step; the same words at another place are another one", () => {
  const { hits, hook, told } = builder();
  hook(1, { hook_event_name: "UserPromptSubmit", prompt: "go on\n" });
  hook(2, { hook_event_name: "PreToolUse", ...bash("c") });
  told(1, prompt("go on"));
  told(2, toldCall("c", "npm test", { status: "success" }));
  // The hook of this one was lost.
  told(3, prompt("go on"));
  const prompts = flat(stepsOf(hits)).filter(({ kind }) => kind === "prompt");
  expect(prompts.map(({ basis, via }) => [basis, via])).toEqual([
    ["inferred", ["hook", "import"]],
    ["joined", ["import"]],
  ]);
});

test("SESSION-8: a subagent stands below the call that its entries name, else that names it, else the one that order says", () => {
  const named = builder();
  const start = { tool_name: "Task", tool_input: { description: "look" }, tool_use_id: "start" };
  const { event } = named.hook(1, { hook_event_name: "PreToolUse", ...start });
  named.told(2, { ...prompt("look"), context: { conversationId: `${SESSION}/a`, parentEventId: String(event.id) } });
  expect(flat(stepsOf(named.hits))[1]).toMatchObject({ kind: "subagent", subagent: "a", parentBasis: "joined", entries: [] });

  const result = builder();
  result.hook(1, { hook_event_name: "PreToolUse", ...start });
  result.hook(1, { hook_event_name: "PostToolUse", ...start, tool_response: { agentId: "a" } });
  result.hook(2, { hook_event_name: "PreToolUse", ...bash("x"), agent_id: "a" });
  expect(outline(stepsOf(result.hits))).toEqual([{ "Task: look": [{ "subagent a": ["Bash: npm test"] }] }]);

  const ordered = builder();
  for (const id of ["s1", "s2"])
    ordered.hook(1, { hook_event_name: "PreToolUse", ...start, tool_input: { description: id }, tool_use_id: id });
  for (const agent of ["a", "b"]) ordered.hook(2, { hook_event_name: "SubagentStart", agent_id: agent, agent_type: "t" });
  ordered.hook(3, { hook_event_name: "SubagentStop", agent_id: "a", agent_type: "t" });
  expect(outline(stepsOf(ordered.hits))).toEqual([{ "Task: s1": ["subagent a"] }, { "Task: s2": ["subagent b"] }]);
  expect(flat(stepsOf(ordered.hits))[1]).toMatchObject({ parentBasis: "inferred", endedAt: timeOf(3) });
});

test("SESSION-8: a subagent that names its own call as the one that started it is still told", () => {
  const { hits, told } = builder();
  const own = { conversationId: `${SESSION}/a`, parentEventId: "0197a3c2-7d4b-7c1e-9a55-000000000000" };
  told(1, { ...toldCall("c", "loop", { status: "success" }), context: { callId: "c", ...own } });
  expect(outline(stepsOf(hits))).toEqual([{ "subagent a": ["Bash: loop"] }]);
});

test("SESSION-8: subagents that start each other without end are told at most 64 levels deep, and none is lost", () => {
  const { hits, told } = builder();
  let parent: JsonObject = {};
  for (let i = 0; i < 1_000; i++) {
    const { event } = told(1, {
      ...toldCall(`c${i}`, `${i}`, { status: "success" }),
      context: { callId: `c${i}`, conversationId: `${SESSION}/a${i}`, ...parent },
    });
    parent = { parentEventId: event.id };
  }
  const depthOf = (steps: readonly SessionStep[]): number => Math.max(0, ...steps.map(({ children = [] }) => 1 + depthOf(children)));
  const steps = stepsOf(hits);
  expect(depthOf(steps)).toBe(64);
  expect(indexesOf(steps)).toEqual(hits.map(({ index }) => index));
});

test("SESSION-9: the head counts each deed once, with the largest amounts that any entry names", () => {
  const { hits, hook, told } = builder();
  hook(1, { hook_event_name: "PreToolUse", ...bash("c") });
  told(1, {
    ...toldCall("c", "npm test", { status: "denied", code: "USER_REJECTED" }),
    usage: { tokensInput: 7, costUsd: 0.5, model: "m" },
  });
  told(1, { ...toldCall("c", "npm test", { status: "denied", code: "USER_REJECTED" }), usage: { tokensInput: 5 } }, "otlp");
  expect(summaryOf(SESSION, hits, assembleStory(hits).nodes)).toMatchObject({
    toolCalls: 1,
    denials: 1,
    failures: 0,
    tokensInput: 7,
    costUsd: 0.5,
    models: ["m"],
    entries: 3,
  });
});

test("SESSION-6: of every real session, hooks that came long after it and its transcript are one story with each prompt and call once", () => {
  for (const { sessionId, events } of readSessions() ?? []) {
    const hits: SearchHit[] = [];
    for (const hook of hooksOfSession(events)) hits.push(hitOf(hits.length, fromClaudeCodeHook(hook), { via: "hook", at: timeOf(3_000) }));
    for (const event of events) hits.push(hitOf(hits.length, event, { via: "import", at: timeOf(3_001) }));
    const { roots, nodes } = assembleStory(hits);
    const steps = viewSteps(roots, nodes);
    expect(indexesOf(steps)).toEqual(hits.map(({ index }) => index));
    const prompts = events.filter(({ activity, actor }) => activity?.name === "prompt" && actor.type === "user").length;
    const calls = new Set(events.filter(({ action }) => action === "ai.tool_call").map(({ context }) => context?.callId)).size;
    expect(summaryOf(sessionId, hits, nodes)).toMatchObject({ prompts, toolCalls: calls });
    expect(roots[0]?.fold?.first.action).toBe("agent.session.started");
    const ended = roots.find(({ fold }) => fold?.first.action === "agent.session.ended");
    // What the person said last may stand behind it: no hook tells of an interruption.
    expect(nodes.slice(nodes.indexOf(ended ?? nodes[0]!)).filter(({ fold }) => fold?.kind === "call")).toEqual([]);
  }
});
