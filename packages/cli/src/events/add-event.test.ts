import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { isActionName } from "../../../sdk/src/catalog/action-name.ts";
import { CommandError } from "../command-error.ts";
import { type AddedEvent, addEvent } from "./add-event.ts";
import { checkAction, functionNameOf } from "./event-action.ts";
import { findCatalogs } from "./event-catalog.ts";
import { loadParse, type Parse } from "./syntax-tree.ts";

let parse: Parse;
beforeAll(async () => {
  parse = await loadParse();
});

const RUN = { action: "agent.run.created" };
const add = (text: string, event: { action: string; resourceType?: string } = RUN, file = "audit.ts"): AddedEvent =>
  addEvent(parse, file, text, event);
const actionsOf = (text: string): (string | undefined)[] =>
  findCatalogs(parse("audit.ts", text)).flatMap(({ entries }) => entries.map(({ action }) => action));

/** A catalog of functions, written out. */
const WRITTEN = `import { getIpAddress, getUserAgent } from "./request";

export type ResourceType =
  | "skill"
  | "user"; // who

async function logAudit(entry: { action: string; resourceType: ResourceType; resourceId: string; userId: string; details?: Record<string, unknown> | undefined; ipAddress?: string | undefined; userAgent?: string | undefined }) {
  return entry;
}

export const audit = {
  // Skills
  skillCreated: (
    resourceId: string,
    userId: string,
    metadata?: Record<string, unknown>,
    request?: Request,
  ) =>
    logAudit({
      action: "skill.created",
      resourceType: "skill",
      resourceId,
      userId,
      details: metadata,
      ipAddress: request ? getIpAddress(request) : undefined,
      userAgent: request ? getUserAgent(request) : undefined,
    }), // the first

  // ... more functions
};
`;
const DEFINED = `import { defineAuditEvents } from "@vouchtrail/sdk";

export const audit = defineAuditEvents({
  skillCreated: { action: "skill.created", resourceType: "skill" },
});
`;

describe("a call of defineAuditEvents", () => {
  test("SDK-38: the event stands behind the last one, written as the others are", () => {
    expect(add(DEFINED).text).toBe(
      DEFINED.replace("\n});", '\n  agentRunCreated: { action: "agent.run.created", resourceType: "agent" },\n});'),
    );
    const tabs =
      "const a = defineAuditEvents({\r\n\tone: {\r\n\t\taction: 'a.one', // 1\r\n\t\tresourceType: 'a'\r\n\t} /* 2 */ // 3\r\n\t// 4\r\n}, { emitter });\r\n";
    expect(add(tabs).text).toBe(
      tabs
        .replace("\t} /*", "\t}, /*")
        .replace("// 3\r\n", "// 3\r\n\tagentRunCreated: {\r\n\t\taction: 'agent.run.created',\r\n\t\tresourceType: 'agent'\r\n\t}\r\n"),
    );
  });

  test.each([
    ["defineAuditEvents({})", 'defineAuditEvents({\n  agentRunCreated: { action: "agent.run.created", resourceType: "agent" },\n})'],
    [
      "f(defineAuditEvents({ a: x }))",
      'f(defineAuditEvents({ a: x, agentRunCreated: { action: "agent.run.created", resourceType: "agent" } }))',
    ],
    [
      "sdk.defineAuditEvents({ a: x, })",
      'sdk.defineAuditEvents({ a: x, agentRunCreated: { action: "agent.run.created", resourceType: "agent" }, })',
    ],
    [
      "defineAuditEvents({\n  // none yet\n})",
      'defineAuditEvents({\n  agentRunCreated: { action: "agent.run.created", resourceType: "agent" },\n  // none yet\n})',
    ],
    [
      "const E = {\n  ...GUILD_EVENTS\n} as const;\ndefineAuditEvents(E)",
      'const E = {\n  ...GUILD_EVENTS,\n  agentRunCreated: { action: "agent.run.created", resourceType: "agent" }\n} as const;\ndefineAuditEvents(E)',
    ],
    [
      "\uFEFFconst é = '🎉'; defineAuditEvents({ a: x })",
      "\uFEFFconst é = '🎉'; defineAuditEvents({ a: x, agentRunCreated: { action: 'agent.run.created', resourceType: 'agent' } })",
    ],
  ])("SDK-38: %j takes it", (before, after) => {
    expect(add(before).text).toBe(after);
  });
});

describe("an object of functions", () => {
  test("SDK-38: the function is written as its neighbours, and the union gets the resource", () => {
    const { text, told, call } = add(WRITTEN);
    expect(text).toContain('  | "user"\n  | "agent"; // who');
    expect(text).toContain(`// the first
  agentRunCreated: (
    resourceId: string,
    userId: string,
    metadata?: Record<string, unknown>,
    request?: Request,
  ) =>
    logAudit({
      action: "agent.run.created",
      resourceType: "agent",
      resourceId,
      userId,
      details: metadata,
      ipAddress: request ? getIpAddress(request) : undefined,
      userAgent: request ? getUserAgent(request) : undefined,
    }),

  // ... more`);
    expect(told).toEqual(["added agentRunCreated (agent.run.created) to audit", 'added "agent" to ResourceType']);
    expect(call).toBe("audit.agentRunCreated");
  });

  test("SDK-38: JavaScript gets no types, and a file without readers of requests gets none", () => {
    const before = "import { logAudit } from './log.js'\nexport const audit = {\n}\n";
    expect(add(before, RUN, "audit.js").text).toBe(
      "import { logAudit } from './log.js'\nexport const audit = {\n  agentRunCreated: (\n    resourceId,\n    userId,\n    metadata,\n  ) =>\n    logAudit({\n      action: 'agent.run.created',\n      resourceType: 'agent',\n      resourceId,\n      userId,\n      details: metadata,\n    }),\n}\n",
    );
  });

  test.each([
    ['type ResourceType = "a" | "b";', 'type ResourceType = "a" | "b" | "agent";'],
    ['type ResourceType = "a";', 'type ResourceType = "a" | "agent";'],
    ['type ResourceType =\n  | "a"', 'type ResourceType =\n  | "a"\n  | "agent"'],
    ["type ResourceType = 'a' | string;", "type ResourceType = 'a' | string;"],
    ['type ResourceType = "agent";', 'type ResourceType = "agent";'],
  ])("SDK-38: %j takes the resource", (before, after) => {
    const catalog = "\nconst audit = { one: () => logAudit({ action: `a.one` }) };";
    expect(add(before + catalog).text.split("\nconst")[0]).toBe(after);
  });

  test("SDK-38: an event that is there without its resource gets that only", () => {
    const text = 'type ResourceType = "a";\nconst audit = { run: () => logAudit({ action: "agent.run.created", resourceType: "agent" }) };';
    expect(add(text).text).toBe(text.replace('"a"', '"a" | "agent"'));
  });
});

describe("refusals", () => {
  test.each<readonly [string, { action: string; resourceType?: string }, RegExp]>([
    [DEFINED, { action: "Agent.created" }, /no name of an action/],
    [DEFINED, { action: "created" }, /resource\.subresource\.action/],
    [DEFINED, { action: "2fa.on" }, /begin it with a letter/],
    [DEFINED, { action: "value.of" }, /Every function has "valueOf"/],
    [DEFINED, { action: "a.b", resourceType: 'x"' }, /no type of a resource/],
    [DEFINED, { action: "skill.created", resourceType: "user" }, /audit\.ts:4: .*there already, with the resource "skill"/],
    ["export const x = 1;", RUN, /has no catalog/],
    ["defineAuditEvents(made())", RUN, /has no catalog/],
    ["defineAuditEvents({", RUN, /cannot be read/],
    ["defineAuditEvents({}); defineAuditEvents({});", RUN, /has 2 catalogs: \(no name\) on line 1/],
    ["const audit = { agentRunCreated, one: () => logAudit({ action: 'a.b' }) };", RUN, /agentRunCreated is taken\./],
    ["defineAuditEvents({ agentRunCreated: { action: 'agent_run.created' } });", RUN, /agentRunCreated is taken by agent_run\.created/],
    ["type ResourceType = keyof X;\nconst audit = { one: () => logAudit({ action: 'a.b' }) };", RUN, /no union of texts/],
  ])("SDK-38: %j does not take %j", (text, event, message) => {
    const run = (): AddedEvent => add(text, event);
    expect(run).toThrow(CommandError);
    expect(run).toThrow(message);
  });
});

test("SDK-30: the command takes the names that a catalog takes", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-zA-Z0-9_.-]{0,12}$/), (action) => {
      const isTaken = (() => {
        try {
          checkAction(action);
          return true;
        } catch {
          return false;
        }
      })();
      expect(isTaken).toBe(isActionName(action));
    }),
  );
});

const segment = fc.stringMatching(/^[a-z][a-z0-9_]{0,6}$/);
const action = fc
  .array(segment, { minLength: 2, maxLength: 3 })
  .map((segments) => segments.join("."))
  .filter((name) => !(functionNameOr(name) in Function.prototype));

function functionNameOr(name: string): string {
  try {
    return functionNameOf(name);
  } catch {
    return "call";
  }
}

const trivia = fc.constantFrom("", " ", "\n", "\n  ", "\n\n\t", " // one, }\n", " /* { a, b */ ", "\n// x\n  ");
const lineEnd = fc.constantFrom("\n", "\r\n");

/** Catalogs of all looks. */
const catalogText = fc
  .record({
    isDefined: fc.boolean(),
    actions: fc.uniqueArray(action, { maxLength: 4, selector: functionNameOr }),
    gaps: fc.array(trivia, { minLength: 12, maxLength: 12 }),
    hasTrailingComma: fc.boolean(),
    union: fc.constantFrom(
      "",
      'type ResourceType = "zz";',
      "export type ResourceType =\n  | 'zz'\n  | 'yy';\n",
      "type ResourceType = /* a */ 'zz' // b\n;",
    ),
    quote: fc.constantFrom('"', "'", "`"),
    end: lineEnd,
  })
  .map(({ isDefined, actions, gaps, hasTrailingComma, union, quote, end }) => {
    const gap = (i: number): string => gaps[i % gaps.length] ?? "";
    const entries = actions.map((name, i) => {
      const members = `action: ${quote}${name}${quote},${gap(i + 5)}resourceType: "zz"`;
      const value = isDefined ? `{${gap(i)}${members} }` : `(id, user) => {${gap(i)}return logAudit({ ${members} }) }`;
      return `${functionNameOf(name)}: ${value}`;
    });
    const comma = (i: number): string => (i < entries.length - 1 || hasTrailingComma ? "," : "");
    const body = entries.map((entry, i) => `${gap(i + 1)}${entry}${gap(i + 2)}${comma(i)}${gap(i + 3)}`).join("");
    const object = `{${gap(9)}${body}${gap(10)}}`;
    const text = `${union}\n${isDefined ? `export const audit = defineAuditEvents(${object});` : `logAudit;\nexport const audit = ${object};`}\n`;
    return text.replaceAll("\n", end);
  });

describe("laws", () => {
  test("SDK-38: adding twice is adding once, and nothing else of the file changes", () => {
    fc.assert(
      fc.property(catalogText, action, (before, wanted) => {
        const event = { action: wanted, resourceType: "zz_new" };
        let once: AddedEvent;
        try {
          once = add(before, event);
        } catch (error) {
          // Its name is taken, or the action is there with the other resource: nothing else stands in the way.
          expect((error as Error).message).toMatch(/is taken by|there already, with the resource/);
          return;
        }
        expect(actionsOf(once.text)).toEqual([...actionsOf(before), wanted]);
        const again = add(once.text, event);
        expect(again.text).toBe(once.text);
        expect(again.insertions).toEqual([]);
        // Taken out again, the insertions leave the file as it was.
        let shift = 0;
        let rest = once.text;
        for (const { at, text } of [...once.insertions].sort((a, b) => a.at - b.at)) {
          expect(once.text.slice(at + shift, at + shift + text.length)).toBe(text);
          rest = rest.slice(0, at) + rest.slice(at + text.length);
          shift += text.length;
        }
        expect(rest).toBe(before);
      }),
      { numRuns: 300 },
    );
  });

  test("SDK-38: what was added type-checks, in both kinds of catalog", async () => {
    const folder = await mkdtemp(join(tmpdir(), "vouchtrail-events-"));
    const root = fileURLToPath(new URL("../../../..", import.meta.url));
    try {
      const sdk = join(root, "packages/sdk/src/catalog/define-audit-events.ts");
      const use =
        'export const used = (request: Request) => audit.agentRunCreated("run-1", "u-1", { goal: "x" }, request);\n// @ts-expect-error An id is text.\nexport const wrong = () => audit.agentRunCreated(7, "u-1");\n';
      await writeFile(join(folder, "written.ts"), add(WRITTEN).text + use);
      await writeFile(
        join(folder, "request.ts"),
        "export declare function getIpAddress(r: Request): string;\nexport declare function getUserAgent(r: Request): string;\n",
      );
      await writeFile(join(folder, "defined.ts"), add(DEFINED).text.replace("@vouchtrail/sdk", sdk) + use);
      const flags = [
        "--strict",
        "--exactOptionalPropertyTypes",
        "--noEmit",
        "--allowImportingTsExtensions",
        "--skipLibCheck",
        "--target",
        "es2023",
      ];
      const modules = [
        "--module",
        "preserve",
        "--lib",
        "es2024,dom,dom.iterable",
        "--types",
        "",
        "--customConditions",
        "@vouchtrail/source",
      ];
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [join(root, "node_modules/typescript/bin/tsc"), ...flags, ...modules, join(folder, "written.ts"), join(folder, "defined.ts")],
        { cwd: folder },
      ).catch((error: { stdout: string }) => error);
      expect(stdout).toBe("");
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
