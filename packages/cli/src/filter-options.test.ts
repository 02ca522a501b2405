import { FILTER_NAMES, filterParameters, TIME_FILTER_NAMES } from "@vouchtrail/events";
import { Command } from "commander";
import { expect, test } from "vitest";
import { nowMs } from "./clock.ts";
import { addFilterOptions, type FilterOptions, filterOf } from "./filter-options.ts";

/** What a command line is understood as. */
function parametersOf(...written: readonly string[]): readonly (readonly [string, string])[] {
  let given: { words: readonly string[]; options: FilterOptions } | undefined;
  const command = addFilterOptions(new Command("search").argument("[words...]"))
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .action((words: readonly string[], options: FilterOptions) => {
      given = { words, options };
    });
  command.parse(written, { from: "user" });
  return filterParameters(filterOf(given?.options ?? {}, given?.words));
}

test("every filter has an option, and there is none besides", () => {
  const flags = addFilterOptions(new Command()).options.map((option) => option.attributeName());
  const filters: readonly string[] = [...FILTER_NAMES.filter((name) => name !== "text"), ...TIME_FILTER_NAMES, "label"];
  expect(flags.filter((name) => name !== "since" && name !== "until").sort()).toEqual([...filters].sort());
});

test("an option repeats for OR, takes ! for NOT, and labels are written name=value", () => {
  expect(
    parametersOf(
      "--actor",
      "u-1",
      "--actor",
      "!u-2",
      "--outcome",
      "failure",
      "--outcome",
      "denied",
      "--label",
      "env=prod",
      "--label",
      "env=!dev",
    ),
  ).toEqual([
    ["actor", "u-1"],
    ["actor", "!u-2"],
    ["outcome", "denied"],
    ["outcome", "failure"],
    ["label.env", "prod"],
    ["label.env", "!dev"],
  ]);
  expect(parametersOf("--on-behalf-of", "boss", "--actor-type", "agent")).toEqual([
    ["actorType", "agent"],
    ["onBehalfOf", "boss"],
  ]);
  expect(parametersOf("--label", "formula==1")).toEqual([["label.formula", "=1"]]);
  expect(() => parametersOf("--label", "env")).toThrow(/name=value/);
});

test("words must all occur, a quoted part as it stands, and one with ! in front must not", () => {
  expect(parametersOf("deploy", "failed")).toEqual([["text", "deploy failed"]]);
  expect(parametersOf("deploy failed", "prod")).toEqual([["text", '"deploy failed" prod']]);
  expect(parametersOf("deploy", "!rolled back")).toEqual([
    ["text", "deploy"],
    ["text", '!"rolled back"'],
  ]);
  expect(parametersOf('say "hi" there')).toEqual([["text", 'say "hi" there']]);
});

test("times may reach back from now, and each is said once", () => {
  const [[name = "", from = ""] = []] = parametersOf("--since", "2h");
  expect(name).toBe("from");
  expect(Math.abs(nowMs() - 2 * 3_600_000 - Date.parse(from))).toBeLessThan(60_000);
  expect(parametersOf("--from", "2026-11-01", "--until", "2026-11-02")).toEqual([
    ["from", "2026-11-01T00:00:00.000Z"],
    ["to", "2026-11-02T00:00:00.000Z"],
  ]);
  expect(parametersOf("--received-from", "2026-11-01")).toEqual([["receivedFrom", "2026-11-01T00:00:00.000Z"]]);
  expect(() => parametersOf("--from", "2026-11-01", "--since", "2h")).toThrow(/--since says the same as --from/);
  expect(() => parametersOf("--since", "soon")).toThrow(/is not a time/);
  expect(() => parametersOf("--from", "2026-11-02", "--to", "2026-11-01")).toThrow(
    expect.objectContaining({ code: "FILTER_INVALID", path: "to" }),
  );
});

test("wrong values are refused with the filter that they stand in", () => {
  expect(() => parametersOf("--outcome", "sucess")).toThrow(expect.objectContaining({ code: "FILTER_INVALID", path: "outcome" }));
  expect(() => parametersOf("--sensitive", "yes")).toThrow(expect.objectContaining({ path: "sensitive" }));
  expect(() => parametersOf("--tenant", "a/b")).toThrow(expect.objectContaining({ path: "tenant" }));
  expect(() => parametersOf("--actor", "")).toThrow(expect.objectContaining({ path: "actor" }));
  expect(() => parametersOf("--label", `${"x".repeat(65)}=1`)).toThrow(expect.objectContaining({ code: "FILTER_INVALID" }));
  expect(() => parametersOf("--acton", "x")).toThrow(/unknown option '--acton'[\s\S]*--action/);
});
