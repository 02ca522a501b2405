import type { AuditEventInput } from "../../event.ts";
import { claudeCodeName, readClaudeCodeLog } from "./claude-code.ts";
import { codexName, readCodexLog } from "./codex.ts";
import { geminiCliName, readGeminiCliLog } from "./gemini-cli.ts";
import { genAiKind, readGenAiSpan } from "./gen-ai-span.ts";
import { readOtherLog, readOtherSpan } from "./generic.ts";
import { openInferenceKind, readOpenInferenceSpan } from "./open-inference-span.ts";
import { type OtlpTold, toOtlpEvent } from "./otlp-event.ts";
import type { OtlpOptions, OtlpRecord, OtlpSpan } from "./otlp-record.ts";
import { timeOfNanos, timeOfRecord } from "./otlp-time.ts";

/**
 * Turns a log record into the events that it tells of: one of Claude Code, Codex or Gemini CLI, else none, unless others are to be kept.
 *
 * @returns Valid events; several where a record tells of a decision and of the end of a call. Empty: the record is not kept.
 * Rules: OTLP-20 to OTLP-42.
 */
export function fromOtlpLog(record: OtlpRecord, options: OtlpOptions = {}): readonly AuditEventInput[] {
  const occurredAt = timeOfRecord(record);
  return readLog(record, options).map((told) => toOtlpEvent(record, occurredAt, withRawTimes(told, occurredAt, record), options));
}

function readLog(record: OtlpRecord, options: OtlpOptions): readonly OtlpTold[] {
  const claudeCode = claudeCodeName(record);
  if (claudeCode !== undefined) return readClaudeCodeLog(record, claudeCode);
  const codex = codexName(record);
  if (codex !== undefined) return readCodexLog(record, codex);
  const geminiCli = geminiCliName(record);
  if (geminiCli !== undefined) return readGeminiCliLog(record, geminiCli);
  return options.keepOther === true ? [readOtherLog(record)] : [];
}

/** A time that cannot be one is kept as it was sent. */
function withRawTimes(told: OtlpTold, occurredAt: string | undefined, record: OtlpRecord): OtlpTold {
  const { timeUnixNano, observedTimeUnixNano, attributes } = record;
  const isTimeRead = timeUnixNano === undefined || timeOfNanos(timeUnixNano) !== undefined;
  const written = attributes["event.timestamp"];
  const isWrittenRead = written === undefined || timeOfNanos(timeUnixNano) !== undefined || occurredAt === written;
  if (isTimeRead && isWrittenRead) return told;
  const raw = {
    ...(isTimeRead ? {} : { timeUnixNano }),
    ...(isWrittenRead ? {} : { timestamp: written }),
    ...(observedTimeUnixNano === undefined ? {} : { observedTimeUnixNano }),
  };
  return { ...told, details: { ...told.details, rawTime: raw } };
}

/**
 * Turns a span into the event that it tells of: one of the GenAI conventions or of OpenInference, else none, unless others are to be kept.
 *
 * @returns One valid event, or none.
 */
export function fromOtlpSpan(span: OtlpSpan, options: OtlpOptions = {}): readonly AuditEventInput[] {
  const occurredAt = timeOfNanos(span.startTimeUnixNano) ?? timeOfNanos(span.endTimeUnixNano);
  return readSpan(span, options).map((told) => toOtlpEvent(span, occurredAt, told, options));
}

function readSpan(span: OtlpSpan, options: OtlpOptions): readonly OtlpTold[] {
  const genAi = genAiKind(span);
  if (genAi !== undefined) return [readGenAiSpan(span, genAi)];
  const openInference = openInferenceKind(span);
  if (openInference !== undefined) return [readOpenInferenceSpan(span, openInference)];
  return options.keepOther === true ? [readOtherSpan(span)] : [];
}
