/** What is read of a trace of the OpenAI Agents SDK. */
export interface TraceLike {
  readonly traceId: string;
  readonly groupId?: string | null;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
}

/** What is read of a span. What `spanData` holds depends on its `type`. */
export interface SpanLike {
  readonly spanId: string;
  readonly traceId: string;
  readonly parentId: string | null;
  readonly spanData: { readonly type: string; readonly [member: string]: unknown };
  readonly traceMetadata?: Readonly<Record<string, unknown>> | undefined;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly error: { readonly message: string; readonly data?: Readonly<Record<string, unknown>> } | null;
}

/** What the framework calls a `TracingProcessor`. */
export interface TracingProcessorLike {
  onTraceStart(trace: TraceLike): Promise<void>;
  onTraceEnd(trace: TraceLike): Promise<void>;
  onSpanStart(span: SpanLike): Promise<void>;
  onSpanEnd(span: SpanLike): Promise<void>;
  shutdown(timeoutMs?: number): Promise<void>;
  forceFlush(): Promise<void>;
}

/** What is read of an agent. */
export interface AgentLike {
  readonly name: string;
}

/** What is read of a call of a tool, of whatever kind the tool is. */
export interface ToolCallLike {
  readonly type?: string | undefined;
  readonly name?: string | undefined;
  readonly callId?: string | undefined;
  readonly id?: string | undefined;
  /** JSON, of a function. */
  readonly arguments?: string | undefined;
  /** Of a computer or a shell. */
  readonly action?: unknown;
  readonly actions?: unknown;
  /** Of a patch. */
  readonly operation?: unknown;
}

/** A call that waits for an approval. */
export interface ApprovalItemLike {
  readonly rawItem: ToolCallLike;
  readonly agent: AgentLike;
  readonly toolName?: string | undefined;
  readonly name?: string | undefined;
  readonly arguments?: string | undefined;
}

/** What is read of the state of a run that was interrupted. */
export interface RunStateLike {
  getInterruptions(): readonly ApprovalItemLike[];
  readonly _context?: { isToolApproved(call: { readonly toolName: string; readonly callId: string }): boolean | undefined };
  readonly _modelResponses?: readonly ModelResponseLike[];
  readonly _trace?: TraceLike | null;
}

/** What is read of a model's response. */
export interface ModelResponseLike {
  readonly responseId?: string | undefined;
  readonly usage?: {
    readonly inputTokens?: number;
    readonly outputTokens?: number;
    readonly inputTokensDetails?: readonly Readonly<Record<string, unknown>>[];
  };
}

/** What is read of the result of a run. */
export interface RunResultLike {
  readonly interruptions?: readonly ApprovalItemLike[];
  readonly rawResponses?: readonly ModelResponseLike[];
  readonly lastAgent?: AgentLike | undefined;
  /** Of a streamed result: it is settled when the run has ended. */
  readonly completed?: Promise<unknown>;
  readonly error?: unknown;
}

/** What is used of a `Runner`. Its methods are generic over the agent, which does not matter here. */
export interface RunnerLike {
  readonly config?: {
    readonly groupId?: string | undefined;
    readonly tracingDisabled?: boolean;
    readonly tracing?: { readonly includeTaskAndTurnSpans?: boolean | undefined } | undefined;
  };
  on(type: never, listener: never): unknown;
  off(type: never, listener: never): unknown;
  run(...parameters: never[]): Promise<unknown>;
}

/** What the framework calls a `ToolInputGuardrailDefinition`: it is awaited before the tool runs. */
export interface ToolInputGuardrailLike {
  readonly type: "tool_input";
  readonly name: string;
  run(data: { readonly agent: AgentLike; readonly toolCall: ToolCallLike }): Promise<{ behavior: { type: "allow" } }>;
}
