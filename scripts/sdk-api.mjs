// The page of everything that the SDK exports, from its entry points and the comments in the source. Used by scripts/docs.mjs.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseSync } from "oxc-parser";
import { root } from "./setup.mjs";

const SDK = join(root, "packages", "sdk");
const SOURCE = "@vouchtrail/source";

const HEAD = `# The exports of the SDK

Written by \`npm run docs\` from the comments in \`packages/sdk/src\`. How they fit together is in [sdk.md](sdk.md), what they promise in [spec/sdk.md](spec/sdk.md).
\`@vouchtrail/sdk/core\` has what \`@vouchtrail/sdk\` has, but for what is marked *Node.js*;
what differs is told there.
`;

export function sdkApiPage() {
  const { exports } = JSON.parse(readFileSync(join(SDK, "package.json"), "utf8"));
  const coreExports = exportsOf(join(SDK, exports["./core"][SOURCE]));
  const core = new Set(coreExports.map(({ name }) => name));
  const main = new Map(exportsOf(join(SDK, exports["."][SOURCE])).map(({ name, file }) => [name, file]));
  const parts = Object.entries(exports)
    .filter(([, entry]) => entry[SOURCE] !== undefined)
    .map(([path, entry]) => {
      const all = exportsOf(join(SDK, entry[SOURCE]));
      // What both have is told once.
      const own = path === "./core" ? all.filter(({ name, file }) => main.get(name) !== file) : all;
      const sections = own.map(({ name, file }) => section(name, file, path === "." && !core.has(name)));
      return `## @vouchtrail/sdk${path.slice(1)}\n\n${sections.join("\n")}`;
    });
  return `${HEAD}\n${parts.join("\n")}`;
}

/** Every name that a file exports, with the file that declares it; names of other packages are left to those. */
function exportsOf(path) {
  const text = readFileSync(path, "utf8");
  const { program } = parseSync(path, text);
  const found = [];
  for (const { type, source, specifiers = [], declaration } of program.body) {
    if (type !== "ExportNamedDeclaration") continue;
    if (declaration !== null && declaration !== undefined) for (const name of declaredNames(declaration)) found.push({ name, file: path });
    for (const { exported, local } of specifiers) {
      if (source?.value.startsWith("."))
        found.push(
          ...exportsOf(join(dirname(path), source.value))
            .filter(({ name }) => name === local.name)
            .map(({ file }) => ({ name: exported.name, file })),
        );
    }
  }
  return found.sort((left, right) => (left.name < right.name ? -1 : 1));
}

function declaredNames({ id, declarations }) {
  return declarations === undefined ? [id.name] : declarations.map((one) => one.id.name);
}

function section(name, file, isNode) {
  const text = readFileSync(file, "utf8");
  const { program, comments } = parseSync(file, text);
  const at = program.body.find(({ declaration }) => declaration && declaredNames(declaration).includes(name));
  const comment = comments.findLast(
    ({ end, type, value }) => type === "Block" && value.startsWith("*") && end <= at.start && text.slice(end, at.start).trim() === "",
  );
  const title = `### \`${name}\`${isNode ? " (Node.js)" : ""}\n`;
  const told = comment === undefined ? "" : `\n${proseOf(comment.value)}\n`;
  return `${title}\n\`\`\`ts\n${signature(text, at.declaration)}\n\`\`\`\n${told}`;
}

/** What a caller sees: types whole, functions and classes without their bodies. */
function signature(text, declaration) {
  const { type, start, body } = declaration;
  if (type === "FunctionDeclaration") return text.slice(start, body.start).trim();
  if (type === "ClassDeclaration") {
    const members = body.body.filter(
      ({ key, accessibility }) => key !== undefined && key.type !== "PrivateIdentifier" && accessibility !== "private",
    );
    const lines = members.map((member) => `  ${text.slice(member.start, member.value?.body?.start ?? member.end).trim()};`);
    return `${text.slice(start, body.start).trim()} {\n${lines.join("\n")}\n}`;
  }
  if (type === "VariableDeclaration") {
    const [{ id }] = declaration.declarations;
    return `const ${text.slice(id.start, id.end)}`;
  }
  return text.slice(start, declaration.end).trim();
}

/** The words of a comment; tags become a list. */
function proseOf(comment) {
  const lines = comment
    .slice(1)
    .split("\n")
    .map((line) => line.replace(/^\s*\* ?/, "").trimEnd());
  return lines
    .join("\n")
    .trim()
    .replace(/\{@link (\w+)\}/g, "`$1`")
    .replace(/^@(\w+) ?/gm, (_, tag) => `- *${tag}*: `);
}
