import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { DEFAULT_COMMANDS, DEFAULT_HOSTS, DEFAULT_PATHS, DEFAULT_TABLES } from "./default-rules.ts";
import { PATTERNS_MAX } from "./limits.ts";
import { readPath } from "./path-text.ts";
import { createSensitivityRules } from "./sensitivity-rules.ts";
import { readUrl } from "./url-text.ts";
import { matchesWildcard } from "./wildcard.ts";

const rules = createSensitivityRules();

test("SENS-20: the built-in paths mean files that hold secrets, and not their templates, public halves and code", () => {
  const sensitive = (path: string): boolean => rules.isSensitivePath(readPath(path));
  const secret = [
    ...[
      "/repo/.env",
      ".env.local",
      "/home/a/.ssh/config",
      "/root/.ssh/x/y",
      "/Users/a/.aws/credentials",
      "~/.kube/config",
      "~bob/.gnupg/x",
      "server.pem",
    ],
    ...[
      "a/b/id_ed25519",
      "/repo/.npmrc",
      "/home/a/.docker/config.json",
      "credentials.json",
      "secrets.yaml",
      "/etc/shadow",
      "/proc/1/environ",
      "~/.ssh",
    ],
    ...["C:\\Users\\a\\.ssh\\id_rsa", "C:\\repo\\.ENV", "/mnt/c/Users/a/.ssh/x"],
  ];
  const plain = [
    ...[
      "/repo/.env.example",
      ".env.template",
      "id_rsa.pub",
      "~/.ssh/known_hosts",
      "credentials.ts",
      "secrets.test.py",
      "/repo/.ENV",
      "/etc/passwd",
    ],
    ...["environment.ts", "/repo/monkey", "keys.md", "/home/a/notes/.ssh-notes.md", "/etc/shadows-of-x/y", "/repo/.env/bin/activate"],
  ];
  expect(secret.filter((path) => !sensitive(path))).toEqual([]);
  expect(plain.filter((path) => sensitive(path))).toEqual([]);
});

test("SENS-21: patterns add to the built-in ones, an exclamation mark exempts, and the last one that matches decides", () => {
  const own = createSensitivityRules({
    paths: ["/srv/hr/**", "!*.pem", "prod.pem", "!.env"],
    tables: ["customers", "payroll.*"],
    hosts: ["*.internal.example.org"],
    mcpServers: ["hr*"],
    commands: ["frob show *"],
  });
  const sensitive = (path: string): boolean => own.isSensitivePath(readPath(path));
  expect(["/srv/hr/a/b.txt", "/srv/hr", "prod.pem", "x.key"].filter((path) => !sensitive(path))).toEqual([]);
  expect(["/srv/x", "other.pem", "/repo/.env"].filter((path) => sensitive(path))).toEqual([]);
  expect(["public.customers", "payroll.y", "pg_shadow"].map((table) => own.isSensitiveTable(table))).toEqual([true, true, true]);
  expect(["customers_old", "x.payroll"].map((table) => own.isSensitiveTable(table))).toEqual([false, false]);
  expect(["db.internal.example.org", "internal.example.org", "169.254.169.254"].map((host) => own.isSensitiveHost(host))).toEqual([
    true,
    false,
    true,
  ]);
  expect(["HR-tools", "web"].map((name) => own.isSensitiveMcpServer(name))).toEqual([true, false]);
  expect([["frob", "show", "x"], ["frob", "list"], ["pass"]].map((words) => own.isSensitiveCommand(words))).toEqual([true, false, true]);
});

test("SENS-22: with defaults: false only the given patterns count", () => {
  const own = createSensitivityRules({ defaults: false, paths: ["*.x"] });
  expect([".env", "a.x"].map((path) => own.isSensitivePath(readPath(path)))).toEqual([false, true]);
  expect(own.isSensitiveHost("169.254.169.254")).toBe(false);
});

test("SENS-23: patterns that are empty, too long or too many are refused with their path", () => {
  const refusal = expect.objectContaining({ code: "CONFIG_INVALID" });
  expect(() => createSensitivityRules({ paths: ["a", "!"] })).toThrow(
    expect.objectContaining({ code: "CONFIG_INVALID", path: "sensitivity.paths.1" }),
  );
  expect(() => createSensitivityRules({ hosts: ["a".repeat(300)] })).toThrow(refusal);
  expect(() => createSensitivityRules({ tables: Array.from({ length: PATTERNS_MAX + 1 }, () => "t") })).toThrow(refusal);
});

test("SENS-14: a path is normalised as text alone", () => {
  const rows: readonly (readonly [string, string | undefined, string])[] = [
    ["a/./b//c/../d", "/repo", "/repo/a/b/d"],
    ["../x", "/repo/y", "/repo/x"],
    ["../../x", undefined, "../../x"],
    ["~/a/../b", "/repo", "~/b"],
    ["~/../x", undefined, "~/../x"],
    ["/../x", undefined, "/x"],
    ["C:\\a\\..\\b", undefined, "C:/b"],
    ["b\\c", "C:\\a", "C:/a/b/c"],
    ["file:///etc/x", "/repo", "/etc/x"],
    ["", undefined, "."],
  ];
  expect(rows.map(([path, cwd]) => readPath(path, cwd).text)).toEqual(rows.map(([, , expected]) => expected));
  fc.assert(
    fc.property(fc.stringMatching(/^[a-c./~]{0,30}$/), (path) => {
      const { text } = readPath(path);
      expect(readPath(text).text).toBe(text);
    }),
  );
});

test("SENS-15: of a URL stay scheme, host, port and path, and every spelling of an address is one host", () => {
  expect(readUrl("https://user:secret@Example.ORG:8443/a/b?token=x#y")).toEqual({
    text: "https://Example.ORG:8443/a/b",
    host: "example.org",
  });
  for (const spelling of [
    "169.254.169.254",
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "169.254.43518",
    "[::ffff:169.254.169.254]",
  ]) {
    expect(readUrl(`http://${spelling}/x`)?.host).toBe("169.254.169.254");
  }
  expect([readUrl("example.org"), readUrl("mailto:a@b.c")]).toEqual([undefined, undefined]);
});

test("SENS-21: a wildcard means what a regular expression would mean", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[ab*?]{0,8}$/), fc.stringMatching(/^[ab]{0,8}$/), (pattern, text) => {
      const oracle = new RegExp(`^${pattern.replaceAll("*", ".*").replaceAll("?", ".")}$`);
      expect(matchesWildcard(pattern, text)).toBe(oracle.test(text));
    }),
  );
});

test("SENS-20: the page names every built-in pattern", () => {
  const page = readFileSync(new URL("../../../../docs/spec/sensitivity.md", import.meta.url), "utf8");
  const named = DEFAULT_PATHS.filter((pattern) => !/^!(?:credentials\*|secrets\.\*)/.test(pattern));
  expect(
    [...named, ...DEFAULT_HOSTS, ...DEFAULT_TABLES, ...DEFAULT_COMMANDS].filter((pattern) => !page.includes(`\`${pattern}\``)),
  ).toEqual([]);
});
