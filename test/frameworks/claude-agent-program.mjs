// Stands for the program that the Claude Agent SDK starts: it speaks the same protocol on its standard streams and does what the file CLAUDE_AGENT_SCRIPT says, a list of
// steps. The application's callbacks are called by the real SDK.
//
// - { hook, input, toolUseId? }: fires all callbacks of that hook; { hook, …, isUnawaited: true } does not wait for them.
// - { ask, toolUseId, input, agentId? }: asks the permission callback. With { allowed, denied } the steps of one or the other follow, by the answer.
// - { message }: writes a message. - { parallel: [steps, …] }. - { exit: code }.
//
// What was answered to hooks and questions is told at the end, as a message of the subtype `answers`.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const steps = JSON.parse(readFileSync(process.env.CLAUDE_AGENT_SCRIPT ?? "", "utf8"));
const waiting = new Map();
const answers = [];
let callbacks = {};
let requestCount = 0;
let hasBegun = false;

function write(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

function request(body) {
  requestCount += 1;
  const id = `request-${requestCount}`;
  write({ type: "control_request", request_id: id, request: body });
  return new Promise((resolve) => waiting.set(id, resolve));
}

async function fire({ hook, input, toolUseId, isUnawaited = false }) {
  const ids = (callbacks[hook] ?? []).flatMap(({ hookCallbackIds }) => hookCallbackIds);
  const fired = ids.map(async (callback_id) => {
    const { subtype, response, error } = await request({ subtype: "hook_callback", callback_id, input, tool_use_id: toolUseId });
    answers.push({ hook, callbackId: callback_id, subtype, response, error });
  });
  if (!isUnawaited) await Promise.all(fired);
}

async function ask({ ask: tool_name, toolUseId: tool_use_id, input, agentId, allowed = [], denied = [] }) {
  const body = { subtype: "can_use_tool", tool_name, input, tool_use_id, decision_reason: "A rule asks.", permission_suggestions: [] };
  const { subtype, response, error } = await request({ ...body, ...(agentId === undefined ? {} : { agent_id: agentId }) });
  answers.push({ ask: tool_name, subtype, response, error });
  await run(response?.behavior === "allow" ? allowed : denied);
}

async function run(list) {
  for (const step of list) {
    if (step.hook !== undefined) await fire(step);
    else if (step.ask !== undefined) await ask(step);
    else if (step.message !== undefined) write(step.message);
    else if (step.parallel !== undefined) await Promise.all(step.parallel.map(run));
    else if (step.exit !== undefined) await new Promise(() => process.stdout.write("", () => process.exit(step.exit)));
  }
}

async function begin() {
  const result = steps.findIndex(({ message }) => message?.type === "result");
  // Behind the result the application may stop reading.
  await run(result < 0 ? steps : steps.slice(0, result));
  write({ type: "system", subtype: "answers", answers, session_id: "scripted" });
  if (result >= 0) await run(steps.slice(result));
}

for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line);
  if (message.type === "control_request") {
    if (message.request.subtype === "initialize") callbacks = message.request.hooks ?? {};
    const response = { commands: [], models: [], agents: [], account: {}, output_style: "default", available_output_styles: [] };
    write({ type: "control_response", response: { subtype: "success", request_id: message.request_id, response } });
  } else if (message.type === "control_response") {
    waiting.get(message.response.request_id)?.(message.response);
  } else if (message.type === "user" && !hasBegun) {
    hasBegun = true;
    void begin();
  }
}
