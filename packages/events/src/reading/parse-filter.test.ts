import fc from "fast-check";
import { expect, test } from "vitest";
import { ACTIVITY_TYPES, ACTOR_TYPES, OUTCOME_STATUSES, PHASES } from "../event.ts";
import { RECEIVED_VIA } from "../sections.ts";
import type { EventFilter, FilterCondition } from "./event-filter.ts";
import { FILTER_NAMES, TIME_FILTER_NAMES } from "./event-filter.ts";
import { FILTER_CHARS_MAX, FILTER_VALUES_MAX, TEXT_WORDS_MAX } from "./limits.ts";
import { filterParameters, parseFilter } from "./parse-filter.ts";

const fails = (query: Readonly<Record<string, unknown>>, path: string, message: RegExp): void => {
  let error: unknown;
  try {
    parseFilter(query);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toMatchObject({ name: "AuditError", code: "FILTER_INVALID", path, message: expect.stringMatching(message) });
};

const one = (query: Readonly<Record<string, unknown>>): FilterCondition | undefined => parseFilter(query).conditions[0];

/** Parameters as a query string has them. */
const grouped = (parameters: readonly (readonly [string, string])[]): Record<string, string[]> => {
  const query: Record<string, string[]> = Object.create(null);
  for (const [name, value] of parameters) query[name] = [...(query[name] ?? []), value];
  return query;
};

test("FILTER-1: an unknown name is an error that suggests the nearest and lists all", () => {
  fails(
    { acton: "x" },
    "acton",
    /^There is no filter "acton"\. Did you mean "action"\? There are: tenant, actor, .*receivedTo, label\.<name>\.$/,
  );
  fails({ labels: "x" }, "labels", /^There is no filter "labels"\. There are: /);
  fails({ "labels.env": "x" }, "labels.env", /Did you mean "label\.env"\?/);
  fails({ userName: "x" }, "userName", /^There is no filter "userName"\. There are: /);
  fails({ "": "x" }, "", /^There is no filter ""\./);
});

test("FILTER-1: hostile names are unknown names like any other", () => {
  const hostile = JSON.parse('{"__proto__":"x"}') as Record<string, unknown>;
  fails(hostile, "__proto__", /^There is no filter "__proto__"\./);
  for (const name of ["constructor", "toString", "hasOwnProperty", "label", "label.", "valueOf", "length"]) {
    expect(() => parseFilter({ [name]: "x" })).toThrow(expect.objectContaining({ code: "FILTER_INVALID" }));
  }
  fails({ "\u001b[31mred": "x" }, "\u001b[31mred", /^There is no filter "\\u001b\[31mred"\./);
  fails({ ["x".repeat(100_000)]: "x" }, "x".repeat(70), /^There is no filter "x{64}"\./);
});

test("FILTER-2: values of one filter are wanted, or unwanted with ! in front", () => {
  expect(parseFilter({ actor: ["u-2", "!u-3", "u-1"], outcome: "!success" })).toEqual({
    conditions: [
      { name: "actor", wanted: ["u-1", "u-2"], unwanted: ["u-3"] },
      { name: "outcome", wanted: [], unwanted: ["success"] },
    ],
  });
});

test.each([
  ["\\!x", "!x"],
  ["\\\\!x", "\\!x"],
  ["\\x", "\\x"],
  ["\\", "\\"],
  ["\\\\", "\\\\"],
  ["a!", "a!"],
  ["a\\!", "a\\!"],
  ["\\!", "!"],
])("FILTER-2: %j is written for a value that is %j", (written, value) => {
  expect(one({ actor: written })).toEqual({ name: "actor", wanted: [value], unwanted: [] });
});

test.each([
  ["!!x", "!x"],
  ["!\\!x", "\\!x"],
  ["!\\x", "\\x"],
])("FILTER-2: %j shuts out %j, verbatim", (written, value) => {
  expect(one({ actor: written })).toEqual({ name: "actor", wanted: [], unwanted: [value] });
});

test("FILTER-3: too many, too long, empty and foreign values are errors", () => {
  const many = Array.from({ length: FILTER_VALUES_MAX }, (_, i) => `u-${i}`);
  expect(one({ actor: many })?.wanted.length).toBe(FILTER_VALUES_MAX);
  fails({ actor: [...many, "u-x"] }, "actor", /at most 100 values/);
  fails({ actor: many, from: "2026-01-31" }, "from", /at most 100 values/);
  fails({ actor: Array.from({ length: 1_000_000 }, () => "x") }, "actor", /at most 100 values/);
  const long = "x".repeat(FILTER_CHARS_MAX);
  expect(one({ actor: [`!${long}`, `\\!${long.slice(1)}`] })).toEqual({ name: "actor", wanted: [`!${long.slice(1)}`], unwanted: [long] });
  fails({ actor: `${long}x` }, "actor", /1 to 1000 characters/);
  fails({ actor: `!${long}x` }, "actor", /1 to 1000 characters/);
  fails({ actor: "" }, "actor", /1 to 1000 characters/);
  fails({ actor: "!" }, "actor", /1 to 1000 characters/);
  for (const value of [1, true, null, {}, ["x", ["y"]], [undefined], Symbol("x"), () => "x"]) fails({ actor: value }, "actor", /is text/);
  fails({ actor: "a\ud800" }, "actor", /well-formed/);
  fails({ "label.\ud800": "a" }, "label.\ud800", /name of a label/);
});

test("FILTER-3: filters with a closed list of values name it", () => {
  for (const [name, values] of Object.entries({ outcome: OUTCOME_STATUSES, actorType: ACTOR_TYPES, via: RECEIVED_VIA, phase: PHASES })) {
    expect(one({ [name]: [...values] })?.wanted).toEqual([...values].sort());
    fails({ [name]: "!Success" }, name, new RegExp(`^${name} is one of: ${values.join(", ")}\\.$`));
    fails({ [name]: "*" }, name, /is one of/);
  }
  expect(one({ activity: [...ACTIVITY_TYPES, "!*"] })?.unwanted).toEqual(["*"]);
  fails({ activity: "tools" }, "activity", /is one of: tool, /);
  fails({ sensitive: "1" }, "sensitive", /^sensitive is one of: true, false\.$/);
  fails({ tenant: "no such/tenant" }, "tenant", /tenant/);
  expect(one({ tenant: "!a.b-c_D" })?.unwanted).toEqual(["a.b-c_D"]);
});

test("FILTER-3: a label has a name of 1 to 64 characters, whatever they are", () => {
  for (const name of ["env", "x".repeat(64), "a.b", "__proto__", '"', "*", "ü\n"]) {
    expect(one({ [`label.${name}`]: "v" })).toEqual({ name: `label.${name}`, wanted: ["v"], unwanted: [] });
  }
  fails({ "label.": "v" }, "label.", /1 to 64 characters/);
  fails({ [`label.${"x".repeat(65)}`]: "v" }, `label.${"x".repeat(64)}`, /1 to 64 characters/);
});

test("FILTER-3: what is not given is no filter", () => {
  expect(parseFilter({})).toEqual({ conditions: [] });
  expect(parseFilter({ actor: undefined, from: undefined, tool: [] })).toEqual({ conditions: [] });
});

test("FILTER-5: a date is its midnight in UTC, and other times stay as they are written", () => {
  expect(parseFilter({ from: "2026-01-31", to: ["2026-02-01t00:00:00.5+02:00"], receivedFrom: "2024-02-29" })).toEqual({
    conditions: [],
    from: "2026-01-31T00:00:00.000Z",
    to: "2026-02-01t00:00:00.5+02:00",
    receivedFrom: "2024-02-29T00:00:00.000Z",
  });
});

test.each([
  "yesterday",
  "2026-13-01",
  "2026-02-29",
  "2026-01-31T12:00:00",
  "1769860800",
  "",
  "!2026-01-31",
  "2026-1-1",
  1769860800,
  null,
  {},
])("FILTER-5: %j is no time", (time) => {
  for (const name of TIME_FILTER_NAMES) fails({ [name]: time }, name, /is a time such as/);
});

test("FILTER-5: a plus that a URL made a space is explained", () => {
  fails({ from: "2026-01-31T12:00:00 02:00" }, "from", /%2B/);
});

test("FILTER-5: a time stands once, and the end is later than the beginning", () => {
  fails({ from: ["2026-01-31", "2026-02-01"] }, "from", /stands once/);
  fails({ from: "2026-02-01", to: "2026-01-31" }, "to", /later than from/);
  fails({ from: "2026-01-31", to: "2026-01-31T02:00:00+02:00" }, "to", /later than from/);
  fails(
    { receivedFrom: "2026-01-31T00:00:00.0000001Z", receivedTo: "2026-01-31T00:00:00.0000009Z" },
    "receivedTo",
    /later than receivedFrom/,
  );
  expect(parseFilter({ from: "2026-01-31", to: "2026-01-31T00:00:00.000001Z", receivedTo: "1999-01-01" }).to).toBe(
    "2026-01-31T00:00:00.000001Z",
  );
});

test("FILTER-6: in an action, an asterisk stands at the end only", () => {
  expect(one({ action: ["ai.*", "!*", "user.login"] })).toEqual({ name: "action", wanted: ["ai.*", "user.login"], unwanted: ["*"] });
  for (const action of ["*.created", "ai.*.x", "**", "!a*b"]) fails({ action }, "action", /only at the end/);
});

test("FILTER-7: a text holds a word, and all texts together not too many", () => {
  fails({ text: "  " }, "text", /no word/);
  fails({ text: '!""' }, "text", /no word/);
  const words = Array.from({ length: TEXT_WORDS_MAX }, (_, i) => `w${i}`);
  expect(one({ text: words.join(" ") })?.wanted.length).toBe(1);
  fails({ text: [words.join(" "), "!more"] }, "text", /At most 32 words/);
  expect(one({ text: `"${words.join(" ")}" more` })?.wanted.length).toBe(1);
});

const value = fc.oneof(
  fc.string({ minLength: 1, maxLength: 20, unit: "grapheme" }),
  fc.stringMatching(/^\\{0,3}!{0,3}[a-c!\\"]{1,3}$/),
  fc.constantFrom("!", "\\", "\\!", "!!", "*", "a*"),
);
const free = FILTER_NAMES.filter(
  (name) => !["tenant", "actorType", "action", "outcome", "activity", "sensitive", "proof", "phase", "via", "text"].includes(name),
);
const conditionOf = (name: string, values: fc.Arbitrary<string>): fc.Arbitrary<FilterCondition> =>
  fc
    .record({ wanted: fc.array(values, { maxLength: 3 }), unwanted: fc.array(values, { maxLength: 3 }) })
    .filter(({ wanted, unwanted }) => wanted.length + unwanted.length > 0)
    .map((lists) => ({ name: name as FilterCondition["name"], ...lists }));
const condition = fc.oneof(
  fc.constantFrom(...free).chain((name) => conditionOf(name, value)),
  fc.string({ minLength: 1, maxLength: 8, unit: "grapheme" }).chain((label) => conditionOf(`label.${label}`, value)),
  conditionOf("outcome", fc.constantFrom(...OUTCOME_STATUSES)),
  conditionOf("action", fc.constantFrom("ai.*", "*", "GUILD_CREATE", "a")),
  conditionOf("text", fc.constantFrom("git log", '"a b" c', "!x", "\\!x")),
);
const filter: fc.Arbitrary<EventFilter> = fc.record(
  {
    conditions: fc.array(condition, { maxLength: 6 }),
    from: fc.constantFrom("2026-01-31T00:00:00.000Z", "2026-01-31T12:00:00+02:00"),
    to: fc.constantFrom("2026-02-01T00:00:00Z", "2027-01-31T12:00:00.123456789-02:00"),
    receivedTo: fc.constant("2026-02-01T00:00:00Z"),
  },
  { requiredKeys: ["conditions"] },
);

test("FILTER-9: a filter written as parameters and read again is equal", () => {
  fc.assert(
    fc.property(filter, (any) => {
      const parameters = filterParameters(any);
      const read = parseFilter(grouped(parameters));
      expect(filterParameters(read)).toEqual(parameters);
      expect(parseFilter(grouped(filterParameters(read)))).toEqual(read);
      const all = (list: "wanted" | "unwanted", name: string): string[] => [
        ...new Set(any.conditions.filter((part) => part.name === name).flatMap((part) => part[list])),
      ];
      for (const part of read.conditions) {
        expect(part.wanted).toEqual(all("wanted", part.name).sort());
        expect(part.unwanted).toEqual(all("unwanted", part.name).sort());
      }
      expect(new Set(read.conditions.map(({ name }) => name))).toEqual(new Set(any.conditions.map(({ name }) => name)));
    }),
    { numRuns: 500 },
  );
});

test("FILTER-9: order and repetition of parameters make no other filter", () => {
  fc.assert(
    fc.property(
      filter.chain((any) => {
        const parameters = filterParameters(any);
        return fc.tuple(fc.constant(parameters), fc.shuffledSubarray(parameters, { minLength: parameters.length }));
      }),
      ([parameters, shuffled]) => {
        const twice = shuffled.filter(([name]) => !(TIME_FILTER_NAMES as readonly string[]).includes(name)).slice(0, 3);
        expect(parseFilter(grouped([...shuffled, ...twice]))).toEqual(parseFilter(grouped(parameters)));
      },
    ),
  );
});
