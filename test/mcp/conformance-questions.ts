import {
  CLIENT_CAPABILITIES_META_KEY,
  type ClientCapabilities,
  inputRequired,
  type McpServer,
  type PrimitiveSchemaDefinition,
  type RequestStateCodec,
} from "@modelcontextprotocol/server";
import { z } from "zod/v4";
import { SUITE, textResult } from "./conformance-content.ts";

/** How far a tool has come that asks more than once. */
export interface QuestionState {
  readonly step: number;
}

type Questions = NonNullable<Parameters<typeof inputRequired>[0]["inputRequests"]>;
type Fields = Readonly<Record<string, PrimitiveSchemaDefinition>>;

const elicit = (message: string, properties: Fields) =>
  inputRequired.elicit({ message, requestedSchema: { type: "object", properties, required: Object.keys(properties) } });
const askName = () => elicit("What is your name?", { name: { type: "string" } });
const askModel = (text = "What is the capital of France?") =>
  inputRequired.createMessage({ messages: [{ role: "user", content: { type: "text", text } }], maxTokens: 100 });
const confirm = () => elicit("Please confirm", { ok: { type: "boolean" } });

/** Tools and a prompt that ask the client before they answer, and states that the client brings back. */
export function addQuestions(server: McpServer, codec: RequestStateCodec<QuestionState>): void {
  addTool("test_input_required_result_elicitation", { user_name: askName() });
  addTool("test_input_required_result_sampling", { capital_question: askModel() });
  addTool("test_input_required_result_list_roots", { client_roots: inputRequired.listRoots() });
  addTool("test_missing_capability", { capital_question: askModel() });
  addTool("test_streaming_elicitation", { user_name: askName() });
  addStateTool("test_input_required_result_request_state", { confirm: confirm() });
  addStateTool("test_input_required_result_tampered_state", { confirm: confirm() });
  addStateTool("test_input_required_result_multiple_inputs", {
    user_name: askName(),
    greeting: askModel(),
    client_roots: inputRequired.listRoots(),
  });

  server.registerTool("test_input_required_result_multi_round", SUITE, async ({ mcpReq }) => {
    const step = mcpReq.requestState<QuestionState>()?.step ?? 0;
    if (step === 2) return textResult("All answers are here.");
    const inputRequests: Questions =
      step === 0
        ? { step1: elicit("Step 1: What is your name?", { name: { type: "string" } }) }
        : { step2: elicit("Step 2: What is your favorite color?", { color: { type: "string" } }) };
    return inputRequired({ inputRequests, requestState: await codec.mint({ step: step + 1 }) });
  });

  server.registerTool("test_input_required_result_capabilities", SUITE, ({ mcpReq }) => {
    if (mcpReq.inputResponses !== undefined) return textResult("Answered.");
    const envelope: Readonly<Record<string, unknown>> = mcpReq.envelope ?? {};
    const declared = envelope[CLIENT_CAPABILITIES_META_KEY] as ClientCapabilities | undefined;
    return inputRequired({
      inputRequests: {
        ...(declared?.elicitation === undefined ? {} : { user_name: askName() }),
        ...(declared?.sampling === undefined ? {} : { capital: askModel() }),
      },
    });
  });

  server.registerPrompt("test_input_required_result_prompt", SUITE, ({ mcpReq: { inputResponses } }) =>
    inputResponses === undefined
      ? inputRequired({ inputRequests: { user_context: elicit("What context should the prompt use?", { context: { type: "string" } }) } })
      : { messages: [{ role: "user", content: { type: "text", text: JSON.stringify(inputResponses) } }] },
  );

  addOlderTools(server, addTool);

  /** A tool that asks until every question has its answer. */
  function addTool(name: string, inputRequests: Questions): void {
    server.registerTool(name, SUITE, ({ mcpReq: { inputResponses } }) =>
      isAnswered(inputRequests, inputResponses) ? textResult(JSON.stringify(inputResponses)) : inputRequired({ inputRequests }),
    );
  }

  /** Like it, with a state that the client brings back. */
  function addStateTool(name: string, inputRequests: Questions): void {
    server.registerTool(name, SUITE, async ({ mcpReq }) => {
      if (!isAnswered(inputRequests, mcpReq.inputResponses))
        return inputRequired({ inputRequests, requestState: await codec.mint({ step: 1 }) });
      const state = mcpReq.requestState<QuestionState>();
      return textResult(`${state?.step === 1 ? "state-ok" : "no state"} ${JSON.stringify(mcpReq.inputResponses)}`);
    });
  }
}

/** What the suite calls in revision 2025-11-25 only. */
function addOlderTools(server: McpServer, addTool: (name: string, questions: Questions) => void): void {
  server.registerTool("test_sampling", { ...SUITE, inputSchema: z.object({ prompt: z.string() }) }, ({ prompt }, { mcpReq }) =>
    mcpReq.inputResponses === undefined
      ? inputRequired({ inputRequests: { answer: askModel(prompt) } })
      : textResult(`LLM response: ${JSON.stringify(mcpReq.inputResponses)}`),
  );
  server.registerTool("test_elicitation", { ...SUITE, inputSchema: z.object({ message: z.string() }) }, ({ message }, { mcpReq }) =>
    mcpReq.inputResponses === undefined
      ? inputRequired({ inputRequests: { user: elicit(message, { username: { type: "string" }, email: { type: "string" } }) } })
      : textResult(`User response: ${JSON.stringify(mcpReq.inputResponses)}`),
  );
  addTool("test_elicitation_sep1034_defaults", {
    values: elicit("Please check the values.", {
      name: { type: "string", default: "John Doe" },
      age: { type: "integer", default: 30 },
      score: { type: "number", default: 95.5 },
      status: { type: "string", enum: ["active", "inactive", "pending"], default: "active" },
      verified: { type: "boolean", default: true },
    }),
  });
  const options = ["option1", "option2", "option3"];
  const titled = ["First", "Second", "Third"].map((title, at) => ({ const: `value${at + 1}`, title }));
  addTool("test_elicitation_sep1330_enums", {
    choices: elicit("Please choose.", {
      untitledSingle: { type: "string", enum: options },
      titledSingle: { type: "string", oneOf: titled },
      legacyEnum: { type: "string", enum: ["opt1", "opt2", "opt3"], enumNames: ["Option One", "Option Two", "Option Three"] },
      untitledMulti: { type: "array", items: { type: "string", enum: options } },
      titledMulti: { type: "array", items: { anyOf: titled } },
    }),
  });
}

function isAnswered(questions: Questions, answers: Readonly<Record<string, unknown>> | undefined): boolean {
  return Object.keys(questions).every((name) => answers?.[name] !== undefined);
}
