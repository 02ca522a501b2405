// Every bound of the adapters for agent frameworks, its unit and the reason for the number.

/** Milliseconds that a hook of the Claude Agent SDK waits for its intent: what a trail that is away takes to be spooled, and a slow disk. A hook that times out would block the call. */
export const CLAUDE_HOOK_WAIT_MS = 1_000;
/** Calls of tools that are remembered, the newest, about 200 bytes each: which session a call belongs to, and what was told of it. */
export const CLAUDE_CALLS_REMEMBERED_MAX = 10_000;
/** Threads of one stream (the main one and subagents) with a response that still comes in. The oldest of more is told as far as it is known. */
export const CLAUDE_RESPONSES_OPEN_MAX = 1_000;
/** Responses of one stream that are remembered as told, about 100 bytes each: a late piece of one must not count again. */
export const CLAUDE_RESPONSES_REMEMBERED_MAX = 10_000;
/** Traces of the OpenAI Agents SDK that are remembered, for the group that they name. The oldest is given up: its spans then belong to the session of their own trace. */
export const TRACES_KEPT_MAX = 1_000;
/** Spans that have begun and not ended, of one processor. The oldest is given up: what begins in it later no longer knows its agent. */
export const SPANS_OPEN_MAX = 10_000;
/** Calls that a model asked for and that have not begun, of one trace; also requests of one turn whose tokens are not known yet. A model asks for a few at a time. */
export const MODEL_CALLS_KEPT_MAX = 256;
/** Characters of the arguments of such a call. Longer ones are not compared: the call is then found by its name. */
export const MODEL_CALL_ARGUMENTS_CHARS_MAX = 4_096;
/** Spans from one to the outermost one around it. More than agents nest; a circle of parents ends here. */
export const SPAN_DEPTH_MAX = 100;
/** Runs of the AI SDK that are remembered at a time. More at once than a process serves; a run that never ends is forgotten in its turn. */
export const AI_SDK_RUNS_MAX = 1_000;
/** Facts that are remembered of the AI SDK, so that two ways in do not tell one twice: ten for each run that is remembered. */
export const AI_SDK_TOLD_MAX = 10_000;
/** Runs of each kind (chains, requests to models, tools) that LangChain's callbacks remember, below 1 KiB each without the input of a tool. The oldest of more is given up. */
export const LANGCHAIN_RUNS_OPEN_MAX = 10_000;
/** Milliseconds after which a request to a model is given up: LangChain tells nothing of the end of a stream that its reader has left. No provider streams that long. */
export const LANGCHAIN_MODEL_AGE_MAX_MS = 3_600_000;
/** Milliseconds after which an agent of LangChain is given up for the same reason. Work that waits for a person is interrupted, which ends the run. */
export const LANGCHAIN_CHAIN_AGE_MAX_MS = 86_400_000;
/** Calls that models asked for which LangChain's callbacks remember, the newest, below 1 KiB each without their inputs: some never reach a tool, and only the message of the model names them. */
export const LANGCHAIN_CALLS_REMEMBERED_MAX = 10_000;
/** Interrupts of LangGraph that wait for an answer and are remembered. An answer to one that was forgotten names its checkpoint instead. */
export const PENDING_APPROVALS_MAX = 10_000;
/** Decisions about calls of one tool in one thread that are remembered until the calls are made, the newest: more than a person is asked at once. */
export const DECISIONS_KEPT_MAX = 100;
/** Agents around a call that are named, nearest first: one less than an event holds, for the person behind them. */
export const AGENTS_ABOVE_MAX = 15;
