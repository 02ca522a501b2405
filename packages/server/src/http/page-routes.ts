import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, posix } from "node:path";
import { AuditError } from "@vouchtrail/events";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

/**
 * What the page may do: run the modules below, look as its style sheet says, talk to this server. Nothing of it is inline, and no markup is
 * ever made of text. Rule: PAGE-2.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

/** A folder of modules as the page sees it, and the entry that stands for the bare name in an import of ours. */
interface Library {
  /** Folder below `/page/<version>/`. */
  readonly folder: string;
  readonly entry: string;
}

// The bare imports of the page's own modules. A browser would need an import map for them, and an import map must be inline.
const LIBRARIES: Readonly<Record<string, Library>> = {
  "@vouchtrail/protocol": { folder: "protocol", entry: "index.js" },
  "@noble/hashes/sha2.js": { folder: "noble-hashes", entry: "sha2.js" },
  "@noble/ed25519": { folder: "noble-ed25519", entry: "index.js" },
};

const IMPORT = /(?<=\b(?:from|import)\s*\(?\s*)"([^"\n]+)"/g;

/** A file as it is sent. */
interface PageFile {
  readonly type: string;
  readonly body: Buffer;
}

/** All that the page consists of. `version` is a hash over all of it and stands in every address: a page never mixes two versions. */
interface PageFiles {
  readonly version: string;
  readonly html: Buffer;
  /** By what follows `/page/<version>/`. */
  readonly files: ReadonlyMap<string, PageFile>;
}

/** The page at `/` and what it loads. Everything here is open: it holds nothing of the trail. Rules: PAGE-1 to PAGE-4. */
export function addPageRoutes(app: FastifyInstance): void {
  let loading: Promise<PageFiles> | undefined;
  const load = (): Promise<PageFiles> => {
    loading ??= loadPage().catch((error: unknown) => {
      // Not for ever: in a checkout the build may come after the first request.
      loading = undefined;
      throw error;
    });
    return loading;
  };

  app.get("/", async (request, reply) => {
    const { version, html } = await load();
    reply.header("content-security-policy", CONTENT_SECURITY_POLICY);
    reply.header("referrer-policy", "no-referrer");
    reply.header("cross-origin-opener-policy", "same-origin");
    // Asked for every time, so that a new version is seen at once; sent only when there is one.
    reply.header("cache-control", "no-cache").header("etag", `"${version}"`);
    if (request.headers["if-none-match"] === `"${version}"`) return reply.code(304).send();
    return reply.type("text/html; charset=utf-8").send(html);
  });

  async function sendFile(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { version, folder, file } = request.params as { version: string; folder?: string; file: string };
    const page = await load();
    const found = page.files.get(folder === undefined ? file : `${folder}/${file}`);
    // A slash that came encoded: one file has one address.
    if (found === undefined || file.includes("/") || version !== page.version) throw new AuditError("NOT_FOUND");
    reply.header("cache-control", "public, max-age=31536000, immutable");
    reply.header("cross-origin-resource-policy", "same-origin");
    return reply.type(found.type).send(found.body);
  }
  app.get("/page/:version/:file", sendFile);
  app.get("/page/:version/:folder/:file", sendFile);
}

/**
 * Reads the page: its markup and style from `src`, its modules from `dist` of the package. The modules are those that the entry imports, and what those import; no other file can be asked for.
 *
 * @throws {Error} when the package is not built.
 */
async function loadPage(): Promise<PageFiles> {
  // By its manifest: this file may run as source, as built, or as part of a bundle.
  const manifest = createRequire(import.meta.url).resolve("@vouchtrail/server/package.json");
  const require = createRequire(manifest);
  const root = dirname(manifest);
  const folders: Readonly<Record<string, string>> = {
    "": join(root, "dist", "page"),
    // By its manifest: under the condition for sources its name would lead to TypeScript.
    protocol: join(dirname(require.resolve("@vouchtrail/protocol/package.json")), "dist"),
    "noble-hashes": dirname(require.resolve("@noble/hashes/sha2.js")),
    "noble-ed25519": dirname(require.resolve("@noble/ed25519")),
  };
  const files = new Map<string, PageFile>();
  const wanted = ["app.js"];
  for (let path = wanted.pop(); path !== undefined; path = wanted.pop()) {
    if (files.has(path)) continue;
    const folder = posix.dirname(path) === "." ? "" : posix.dirname(path);
    const directory = folders[folder];
    if (directory === undefined) throw new Error(`The page imports ${path}, which is outside its folders.`);
    const { text, imports } = withPlainImports(await readFile(join(directory, posix.basename(path)), "utf8"), path);
    files.set(path, { type: "text/javascript; charset=utf-8", body: Buffer.from(text) });
    wanted.push(...imports);
  }
  const source = join(root, "src", "page");
  files.set("page.css", { type: "text/css; charset=utf-8", body: await readFile(join(source, "page.css")) });
  const template = await readFile(join(source, "index.html"), "utf8");

  const hash = createHash("sha256").update(template);
  for (const [path, { body }] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) hash.update(`\n${path} ${body.length}\n`).update(body);
  const version = hash.digest("hex").slice(0, 16);
  // Only the page's own modules: the libraries are loaded when the first proof is checked.
  const preloads = [...files.keys()]
    .filter((path) => path.endsWith(".js") && !path.includes("/") && !LAZY.has(path))
    .map((path) => `<link rel="modulepreload" href="page/${version}/${path}">`);
  const html = template.replaceAll("VERSION", version).replace("<!-- MODULES -->", preloads.join("\n    "));
  return { version, html: Buffer.from(html), files };
}

/** Modules that the page imports when a proof is checked, with what only they need. */
const LAZY: ReadonlySet<string> = new Set(["proof-check.js", "signatures.js"]);

/** A module with its bare imports made relative, and the paths that it imports. */
function withPlainImports(text: string, path: string): { readonly text: string; readonly imports: readonly string[] } {
  const isOwn = !path.includes("/");
  const imports: string[] = [];
  const plain = text.replace(IMPORT, (whole, name: string) => {
    const library = isOwn && Object.hasOwn(LIBRARIES, name) ? LIBRARIES[name] : undefined;
    const relative = library === undefined ? name : `./${library.folder}/${library.entry}`;
    if (!relative.startsWith(".")) return whole;
    imports.push(posix.join(posix.dirname(path), relative));
    return `"${relative}"`;
  });
  return { text: plain, imports };
}
