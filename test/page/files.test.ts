import fastify from "fastify";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Answer, startTestServer, type TestServer } from "../hostile/running-server.ts";

let server: TestServer;
let html: Answer;
let base = "";

beforeAll(async () => {
  server = await startTestServer({ "http.loopbackWithoutKey": false });
  html = await server.send("/");
  base = /\/page\/[0-9a-f]{16}\//.exec(`/${/page\/[0-9a-f]+\//.exec(html.text)?.[0] ?? ""}`)?.[0] ?? "";
});
afterAll(() => server.remove());

/** All files of the page, found as a browser finds them: from the markup on, import by import. */
async function allFiles(): Promise<Map<string, Answer>> {
  const files = new Map<string, Answer>();
  const wanted = [...html.text.matchAll(/(?:href|src)="(page\/[^"]+)"/g)].map(([, path = ""]) => `/${path}`);
  for (let path = wanted.pop(); path !== undefined; path = wanted.pop()) {
    if (files.has(path)) continue;
    const answer = await server.send(path);
    expect(answer.status, path).toBe(200);
    files.set(path, answer);
    if (!path.endsWith(".js")) continue;
    for (const [, name = ""] of answer.text.matchAll(/^(?:import|export)[^;"]*? from "([^"]+)"/gm)) {
      expect(name, `${path} imports ${name}`).toMatch(/^\.\.?\//);
      wanted.push(new URL(name, `http://x${path}`).pathname);
    }
    for (const [, name = ""] of answer.text.matchAll(/\bimport\("([^"]+)"\)/g)) wanted.push(new URL(name, `http://x${path}`).pathname);
  }
  return files;
}

test("PAGE-1: the page and all its files are open where everything else needs a key, and HEAD answers without a body", async () => {
  expect((await server.send("/api/v1/events")).status).toBe(401);
  expect(html).toMatchObject({ status: 200, headers: { "content-type": "text/html; charset=utf-8" } });
  const files = await allFiles();
  expect([...files.keys()]).toEqual(
    expect.arrayContaining([`${base}app.js`, `${base}page.css`, `${base}protocol/index.js`, `${base}noble-ed25519/index.js`]),
  );
  for (const [path, { headers }] of files) {
    const type = path.endsWith(".css") ? "text/css; charset=utf-8" : "text/javascript; charset=utf-8";
    expect(headers["content-type"], path).toBe(type);
    expect(headers["x-content-type-options"], path).toBe("nosniff");
  }
  for (const path of ["/", `${base}app.js`, `${base}protocol/index.js`]) {
    const head = await server.send(path, { method: "HEAD" });
    const get = await server.send(path);
    expect(head.status).toBe(200);
    expect(head.bytes).toHaveLength(0);
    expect(head.headers["content-length"]).toBe(get.headers["content-length"]);
  }
});

test("PAGE-1: the built package serves the same page as its sources", async () => {
  const built: typeof import("../../packages/server/src/http/page-routes.ts") = await import(
    new URL("../../packages/server/dist/http/page-routes.js", import.meta.url).href
  );
  const app = fastify();
  built.addPageRoutes(app);
  expect((await app.inject({ url: "/" })).body).toBe(html.text);
  for (const [path, { bytes }] of await allFiles()) expect((await app.inject({ url: path })).rawPayload.equals(bytes), path).toBe(true);
  await app.close();
});

test("PAGE-1: nothing else can be asked for, whatever the path is made of", async () => {
  const paths = [
    "/page/",
    "/page/x",
    base,
    base.slice(0, -1),
    `${base}index.html`,
    `${base}app.ts`,
    `${base}tsconfig.json`,
    `${base}.tsbuildinfo`,
    `${base}query-text.test.js`,
    `${base}app.d.ts`,
    `${base}protocol/package.json`,
    `${base}protocol/nothing.js`,
    `${base}noble-hashes/argon2.js`,
    `${base}constructor`,
    `${base}__proto__`,
    `${base}__proto__/app.js`,
    `${base}../app.js`,
    `${base}..%2f..%2fpackage.json`,
    `${base}%2e%2e/app.js`,
    `${base}protocol/..%2f..%2f..%2fpackage.json`,
    `${base}protocol%2findex.js`,
    `${base}/app.js`,
    `${base}protocol/x/y.js`,
    `${base}app.js%00`,
    "/page/0000000000000000/app.js",
    "/page/%2e%2e/app.js",
    "/page/../../../etc/passwd",
    `/page/${"a".repeat(300)}/app.js`,
  ];
  for (const path of paths) {
    const { status, headers, text } = await server.send(path);
    expect(status, path).toBe(404);
    expect(headers["content-type"], path).toContain("application/json");
    expect(JSON.parse(text), path).toMatchObject({ error: { code: "NOT_FOUND" } });
  }
  expect((await server.send("/", { method: "POST", headers: { "content-type": "application/json" }, body: "{}" })).status).toBe(405);
});

test("PAGE-2: the policy allows the server itself and nothing inline, and the page needs no more", async () => {
  const policy = String(html.headers["content-security-policy"]);
  for (const rule of [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ])
    expect(policy.split("; ")).toContain(rule);
  expect(policy).not.toMatch(/unsafe|\*|https?:/);
  expect(html.headers["x-content-type-options"]).toBe("nosniff");
  expect(html.headers["referrer-policy"]).toBe("no-referrer");
  expect(html.text).not.toMatch(/<style|\sstyle=|\son\w+=|<script(?![^>]* src=)|<base|<iframe/i);
  const addresses = [...html.text.matchAll(/(?:href|src|action)="([^"]+)"/g)].map(([, address = ""]) => address);
  expect(addresses.filter((address) => !/^(?:page\/|#|data:image\/svg\+xml,)/.test(address))).toEqual([]);
  for (const [path, { text }] of await allFiles()) {
    if (path.includes("/noble-") || path.includes("/protocol/")) continue;
    expect(text, path).not.toMatch(/\.(?:inner|outer)HTML|insertAdjacentHTML|document\.write|\beval\(|new Function|["`']https?:\/\//);
  }
});

test("PAGE-3: files never change under their address, and the page is sent again only when it changed", async () => {
  for (const [path, { headers }] of await allFiles()) expect(headers["cache-control"], path).toBe("public, max-age=31536000, immutable");
  expect(html.headers["cache-control"]).toBe("no-cache");
  const { etag = "" } = html.headers;
  const again = await server.send("/", { headers: { "if-none-match": etag } });
  expect(again).toMatchObject({ status: 304, text: "", headers: { etag } });
  expect(again.headers["content-security-policy"]).toBe(html.headers["content-security-policy"]);
  expect((await server.send("/", { headers: { "if-none-match": '"other"' } })).status).toBe(200);
});

test("PAGE-4: the page is small", async () => {
  let own = html.bytes.length;
  let libraries = 0;
  for (const [path, { bytes }] of await allFiles()) {
    if (path.slice(base.length).includes("/")) libraries += bytes.length;
    else own += bytes.length;
  }
  expect(own).toBeLessThan(150_000);
  expect(libraries).toBeLessThan(250_000);
  expect(html.text).not.toMatch(/(?:protocol|noble-\w+)\//);
});
