import { expect, test } from "vitest";
import { serverNameOf, shownCommand } from "./shown-command.ts";

test("PROXY-4: secrets in the options of a command are hidden, and nothing else is", () => {
  expect(
    shownCommand([
      "npx",
      "-y",
      "server",
      "--api-key",
      "s3cret",
      "--token=s3cret",
      "-e",
      "DB_PASSWORD=s3cret",
      "https://me:s3cret@host/x",
      "--root",
      "/tmp",
    ]),
  ).toEqual([
    "npx",
    "-y",
    "server",
    "--api-key",
    "[hidden]",
    "--token=[hidden]",
    "-e",
    "DB_PASSWORD=[hidden]",
    "https://[hidden]@host/x",
    "--root",
    "/tmp",
  ]);
});

test("PROXY-5: a server without a name is called as its program is, whatever starts it", () => {
  const names: readonly (readonly [string, string])[] = [
    ["npx -y @modelcontextprotocol/server-filesystem /tmp", "server-filesystem"],
    ["npx some-server@1.2.3", "some-server"],
    ["node /opt/weather/dist/index.js", "weather"],
    ["/usr/local/bin/mcp-git --repo .", "mcp-git"],
    ["uv run tickets.py", "tickets"],
    ["node", "node"],
  ];
  expect(names.map(([command]) => serverNameOf(command.split(" ")))).toEqual(names.map(([, name]) => name));
});
