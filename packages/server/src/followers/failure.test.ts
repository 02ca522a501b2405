import { AuditError } from "@vouchtrail/events";
import { expect, test } from "vitest";
import { EntryRejected } from "./apply.ts";
import { describeFailure } from "./failure.ts";

const withCode = (code: unknown, name = "Error"): Error => Object.assign(new Error("quotes a value"), { code, name });

test("FOLLOW-14: codes of the system and of SQL are told, and nothing else of an error that is not ours", () => {
  const codes: readonly [unknown, string][] = [
    ["ECONNREFUSED", "ECONNREFUSED"],
    ["ERR_WORKER_OUT_OF_MEMORY", "ERR_WORKER_OUT_OF_MEMORY"],
    ["23505", "23505"],
    ["42P01", "42P01"],
    ["E", "INTERNAL"],
    ["patient 4711", "INTERNAL"],
    ["123456", "INTERNAL"],
    [`E${"A".repeat(40)}`, "INTERNAL"],
    [17, "INTERNAL"],
    [undefined, "INTERNAL"],
  ];
  for (const [code, told] of codes) {
    const failure = describeFailure(withCode(code));
    expect(failure.code).toBe(told);
    expect(failure.message).toBe(`The store failed with an error of class Error${told === "INTERNAL" ? "" : ` and code ${told}`}.`);
  }
});

test("FOLLOW-14: our own errors keep their message, cut to a bound; a rejection tells its cause", () => {
  const own = new AuditError("SHAPE_INVALID", { message: "x".repeat(5_000) });
  expect(describeFailure(own)).toEqual({ code: "SHAPE_INVALID", message: "x".repeat(300) });
  expect(describeFailure(new EntryRejected(3, own))).toEqual(describeFailure(own));
  expect(describeFailure(new EntryRejected(3, withCode("22P02")))).toEqual(describeFailure(withCode("22P02")));
  expect(describeFailure(new EntryRejected(3))).toEqual({ code: "INTERNAL", message: "The store refuses entry 3." });
});

test("FOLLOW-14: whatever is thrown is told, also what is no error or has a strange name", () => {
  for (const thrown of [undefined, null, 0, "quotes a value", {}, Symbol("quotes a value"), withCode("x", "quotes a value")]) {
    const failure = describeFailure(thrown);
    expect(failure).toEqual({ code: "INTERNAL", message: "The store failed with an error of class unknown." });
  }
});
