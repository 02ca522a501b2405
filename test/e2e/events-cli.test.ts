import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openWorkplace, type Workplace } from "./cli-process.ts";

let place: Workplace;
beforeEach(async () => {
  place = await openWorkplace();
  await mkdir(place.path("src/lib"), { recursive: true });
});
afterEach(() => place.close());

const CATALOG = `export const audit = defineAuditEvents({
  skillCreated: { action: "skill.created", resourceType: "skill", severity: "notice", description: "A skill was made." },
});
`;

test("SDK-38: events add edits the catalog at its usual place, once, and says what it did", async () => {
  const file = place.path("src/lib/audit.ts");
  await writeFile(file, CATALOG);
  await chmod(file, 0o664);
  const dry = await place.run(["events", "add", "agent.run.created", "--dry-run"]);
  expect(dry).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^src\/lib\/audit\.ts: would add agentRunCreated[\s\S]*\n\+ {3}agentRunCreated: \{/),
  });
  expect(await readFile(file, "utf8")).toBe(CATALOG);

  const first = await place.run(["events", "add", "agent.run.created"]);
  expect(first).toMatchObject({
    code: 0,
    out: "src/lib/audit.ts: added agentRunCreated (agent.run.created) to audit\n",
    err: expect.stringContaining("await audit.agentRunCreated(resourceId, userId"),
  });
  const text = await readFile(file, "utf8");
  expect(text).toBe(CATALOG.replace("\n});", '\n  agentRunCreated: { action: "agent.run.created", resourceType: "agent" },\n});'));
  expect((await stat(file)).mode & 0o777).toBe(0o664);

  expect(await place.run(["events", "add", "agent.run.created"])).toMatchObject({
    code: 0,
    out: expect.stringContaining("is there already, on line 3"),
  });
  expect(await readFile(file, "utf8")).toBe(text);
  expect(await readdir(place.path("src/lib"))).toEqual(["audit.ts"]);
});

test("SDK-38: events add finds the only catalog, follows a link, and names the files when there are several", async () => {
  expect(await place.run(["events", "add", "a.b"])).toMatchObject({
    code: 1,
    err: expect.stringContaining("no file below this folder has a catalog"),
  });
  await writeFile(place.path("src/trail.ts"), CATALOG);
  await writeFile(place.path("src/broken.ts"), "defineAuditEvents({");
  await writeFile(place.path("src/routes.ts"), 'export const routes = { create: () => logAudit({ action: "skill.created" }) };\n');
  await symlink(place.path("src/trail.ts"), place.path("linked.ts"));
  expect(await place.run(["events", "add", "agent.run.created"])).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^src\/trail\.ts: added/),
  });
  expect(await place.run(["events", "add", "agent.run.ended", "--file", "linked.ts", "--resource", "run"])).toMatchObject({ code: 0 });
  expect(await readFile(place.path("src/trail.ts"), "utf8")).toContain('agentRunEnded: { action: "agent.run.ended", resourceType: "run" }');
  await writeFile(place.path("src/other.ts"), CATALOG);
  expect(await place.run(["events", "add", "a.b"])).toMatchObject({
    code: 1,
    err: "vouchtrail: Several files have a catalog: src/other.ts, src/trail.ts. Name one with --file.\n",
  });
  expect(await place.run(["events", "add", "a.b", "--file", "gone.ts"])).toMatchObject({
    code: 1,
    err: expect.stringContaining("gone.ts does not exist"),
  });
});

test("SDK-39: events list tells every event type with its place", async () => {
  await writeFile(
    place.path("src/lib/audit.ts"),
    `${CATALOG}export const more = { userLogin: () => logAudit({ action: "user.login", resourceType: "user" }) };\n`,
  );
  await writeFile(place.path("src/broken.ts"), "defineAuditEvents({");
  await mkdir(place.path("node_modules/other"), { recursive: true });
  await writeFile(place.path("node_modules/other/audit.ts"), CATALOG);
  const { code, out, err } = await place.run(["events", "list", "--json"]);
  expect({ code, events: JSON.parse(out) as unknown }).toEqual({
    code: 0,
    events: [
      {
        action: "skill.created",
        function: "skillCreated",
        resourceType: "skill",
        severity: "notice",
        description: "A skill was made.",
        file: "src/lib/audit.ts",
        line: 2,
      },
      { action: "user.login", function: "userLogin", resourceType: "user", file: "src/lib/audit.ts", line: 4 },
    ],
  });
  expect(err).toMatch(/^src\/broken\.ts:1: it cannot be read/);
  const table = await place.run(["events", "list", "src/lib/audit.ts"]);
  expect(table.out).toMatch(
    /^action +function +resource[\s\S]*\nskill\.created +skillCreated +skill +notice +src\/lib\/audit\.ts:2 +A skill was made\.\n/,
  );
  expect(await place.run(["events", "list", "gone"])).toMatchObject({ code: 1, err: expect.stringContaining("gone does not exist") });
});
