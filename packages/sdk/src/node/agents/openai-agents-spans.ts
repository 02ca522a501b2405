import type { ModelCall } from "../../agents/agent-event.ts";
import type { PartialScope } from "../../agents/agent-recorder.ts";
import { SPAN_DEPTH_MAX, SPANS_OPEN_MAX } from "../../agents/limits.ts";
import type { SpanLike } from "./openai-agents-shapes.ts";

/** A request to a model that tells no tokens: those of its turn are not known yet. */
export interface HeldRequest {
  readonly call: ModelCall;
  readonly scope: PartialScope;
  readonly durationMs: number | undefined;
}

/** A turn: one request to a model (more where it was tried again), and the calls that it asked for. */
export interface Turn {
  readonly held: HeldRequest[];
  /** A request of it was told with its tokens. */
  hasTokens: boolean;
}

interface OpenSpan {
  readonly parentId: string | null;
  readonly agentName: string | undefined;
  readonly turn: Turn | undefined;
}

/** Spans that have begun and not ended, of the kinds that others begin in. */
export interface OpenSpans {
  /** @returns What was given up for it: requests of a turn that has not ended. */
  begin(span: SpanLike): readonly HeldRequest[];
  end(span: SpanLike): Turn | undefined;
  /** Agents around a span, nearest first; each once. */
  agentsAround(span: SpanLike): readonly string[];
  turnAround(span: SpanLike): Turn | undefined;
}

export function createOpenSpans(): OpenSpans {
  const open = new Map<string, OpenSpan>();

  function* around(span: SpanLike): Generator<OpenSpan> {
    let { parentId } = span;
    for (let depth = 0; parentId !== null && depth < SPAN_DEPTH_MAX; depth++) {
      const parent = open.get(parentId);
      if (parent === undefined) return;
      yield parent;
      ({ parentId } = parent);
    }
  }

  return {
    begin(span) {
      const { type, name, agent_name: agentOfTurn } = span.spanData;
      const named = type === "agent" ? name : type === "turn" ? agentOfTurn : undefined;
      open.set(span.spanId, {
        parentId: span.parentId,
        agentName: typeof named === "string" ? named : undefined,
        turn: type === "turn" ? { held: [], hasTokens: false } : undefined,
      });
      if (open.size <= SPANS_OPEN_MAX) return [];
      const oldest = open.keys().next().value as string;
      const given = open.get(oldest)?.turn?.held ?? [];
      open.delete(oldest);
      return given;
    },
    end(span) {
      const { turn } = open.get(span.spanId) ?? {};
      open.delete(span.spanId);
      return turn;
    },
    agentsAround: (span) => [...new Set([...around(span)].flatMap(({ agentName }) => agentName ?? []))],
    turnAround: (span) => [...around(span)].find(({ turn }) => turn !== undefined)?.turn,
  };
}
