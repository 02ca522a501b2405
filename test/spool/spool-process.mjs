// A process with a spool, to be killed or to be hindered. As a writer it tells on its standard output each event whose append resolved; as a drainer each event before it is done
// with; as one that tries it tells what became of each append.
import { writeSync } from "node:fs";
import { openFileSpool } from "../../packages/sdk/dist/node/spool/file-spool.js";

const [role, directory, name] = process.argv.slice(2);
const spool = openFileSpool({ directory });
const text = "x".repeat(500);

if (role === "writer") {
  // Several appends at a time, so that they share syncs; some are large, so that files are rotated.
  let next = 0;
  const lane = async () => {
    for (;;) {
      const count = next % 50 === 49 ? 400 : 1 + (next % 3);
      const ids = Array.from({ length: count }, () => `${name}-${next++}`);
      await spool.append(ids.map((id) => ({ id, json: JSON.stringify({ id, text }) })));
      writeSync(1, `${ids.join("\n")}\n`);
    }
  };
  await Promise.all([lane(), lane(), lane(), lane()]);
}

if (role === "drainer") {
  for (;;) {
    const batch = await spool.take({ eventsMax: 100, bytesMax: 1_048_576 });
    if (batch === undefined) {
      writeSync(1, "\n");
      await new Promise((resolve) => setTimeout(resolve, 5));
      continue;
    }
    writeSync(1, `${batch.events.map(({ id }) => id).join("\n")}\n`);
    await batch.done();
  }
}

if (role === "trier") {
  // Root may write everywhere: it becomes nobody.
  if (name === "nobody" && process.getuid() === 0) process.setuid(65_534);
  const tell = async (id, work) => {
    const result = await work.then(
      () => "done",
      (error) => `${error.code} ${error.detail.code}`,
    );
    writeSync(1, `${id} ${result}\n`);
  };
  for (let i = 0; i < 120; i += 1) await tell(i, spool.append([{ id: String(i), json: JSON.stringify({ i, text }) }]));
  await tell("take", spool.take({ eventsMax: 1, bytesMax: 1 }));
}
