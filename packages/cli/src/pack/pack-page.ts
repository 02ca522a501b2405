/** The summary page of an evidence pack: one HTML file without scripts that needs nothing else. Rule: PACK-6. */

import { countText } from "../terminal.ts";
import { htmlText } from "./html-text.ts";
import type { NamedCount, PackFacts } from "./pack-facts.ts";
import type { PackManifest } from "./pack-manifest.ts";
import { PACK_PAGE_STYLE } from "./pack-page-style.ts";

/**
 * Version of the page's form. It grows whenever the same entries would give another page, so that who verifies with another version knows that
 * the pages cannot be compared.
 */
export const PACK_PAGE_VERSION = 1;

/**
 * Writes the page. It depends on nothing but its arguments, so that whoever verifies the pack can write it again and compare.
 *
 * @param manifest The manifest without its parts, which hold the hash of this page.
 */
export function formatPackPage(manifest: Omit<PackManifest, "parts">, facts: PackFacts): string {
  const { origin, made, question } = manifest;
  const title = `Evidence pack of ${origin}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer">
<title>${htmlText(title)}</title>
<style>
${PACK_PAGE_STYLE}</style>
</head>
<body>
<header>
<p class="kind">Evidence pack</p>
<h1><bdi>${htmlText(origin)}</bdi></h1>
<p>${entriesSentence(facts)} Made by <bdi>${htmlText(made.by)}</bdi> at <span class="time">${htmlText(made.at)}</span> with <bdi>${htmlText(made.with)}</bdi>.</p>
<p class="warning">This page is for reading. What counts is the check: <code>vouchtrail verify</code> on the folder that holds it, with a key that came from elsewhere.</p>
</header>
<main>
${questionSection(question.filters, question.below)}
${countSection(facts)}
${entrySection(facts)}
${checkSection(manifest)}
${proofSection(facts)}
</main>
</body>
</html>
`;
}

function entriesSentence({ count, first, last, earliest, latest }: PackFacts): string {
  const entries = count === 1 ? "One entry" : `${countText(count)} entries`;
  const where = count === 1 ? `index ${first}` : `indexes ${first} to ${last}`;
  const when = earliest === latest ? htmlText(earliest) : `${htmlText(earliest)} to ${htmlText(latest)}`;
  return `<strong>${entries}</strong>, ${where}, about what happened <span class="time">${when}</span>.`;
}

function questionSection(filters: Readonly<Record<string, readonly string[]>>, below: number): string {
  const rows = Object.entries(filters).map(
    ([name, values]) => `<tr><th scope="row"><bdi>${htmlText(name)}</bdi></th><td>${values.map(value).join(" or ")}</td></tr>\n`,
  );
  const table = rows.length === 0 ? "<p>All entries that the key may read.</p>" : `<table class="facts">\n${rows.join("")}</table>`;
  return `<section>
<h2>What was asked for</h2>
${table}
<p>Asked of the first ${countText(below)} entries of the trail. <code>!</code> in front of a value shuts it out.</p>
</section>`;
}

function countSection({ byOutcome, byAction, byActor, erasedSections, runs }: PackFacts): string {
  const gaps =
    runs === 1
      ? "The indexes have no gap: between the first and the last, every entry of the trail is here."
      : `The indexes are in ${countText(runs)} runs: what lies between them was not asked for, or is not here.`;
  return `<section>
<h2>Counts</h2>
<div class="counts">
${countTable("Outcome", byOutcome)}${countTable("Action", byAction)}${countTable("Actor", byActor)}</div>
<p>${gaps} Sections erased since they were recorded: ${countText(erasedSections)}.</p>
</section>`;
}

function countTable(title: string, counts: readonly NamedCount[]): string {
  const rows = counts.map(([name, count]) => `<tr><th scope="row">${value(name)}</th><td class="number">${countText(count)}</td></tr>\n`);
  return `<table>\n<caption>${title}</caption>\n${rows.join("")}</table>\n`;
}

function entrySection({ rows, count }: PackFacts): string {
  const shown =
    rows.length < count ? `The first ${countText(rows.length)} of ${countText(count)}; all are in <code>bundles.ndjson</code>.` : "";
  return `<section>
<h2>Entries</h2>
<p>By index, the order in which they were recorded. ${shown}</p>
<div class="wide">
<table class="entries">
<thead><tr><th scope="col">Index</th><th scope="col">Happened at</th><th scope="col">Action</th><th scope="col">Actor</th><th scope="col">Target</th><th scope="col">Outcome</th><th scope="col">Session</th></tr></thead>
${rows.join("")}</table>
</div>
</section>`;
}

function checkSection({ vkey, checkpoints }: Omit<PackManifest, "parts">): string {
  const { first, last } = checkpoints;
  return `<section>
<h2>How to check it</h2>
<p>Keep the folder together and run, without any network:</p>
<pre>vouchtrail verify FOLDER --vkey KEY</pre>
<p>The key below came with this pack. Use one that the operator of the trail published or gave to you before:</p>
<p><code>${htmlText(vkey)}</code></p>
<table class="facts">
<tr><th scope="row">Newest checkpoint when the export began</th><td>${countText(first.treeSize)} entries, root <code>${htmlText(first.rootHash)}</code></td></tr>
<tr><th scope="row">Last checkpoint of the pack</th><td>${countText(last.treeSize)} entries, root <code>${htmlText(last.rootHash)}</code></td></tr>
</table>
<p>Each line of <code>bundles.ndjson</code> holds one entry as it was hashed, and its inclusion proof as <code>c2sp.org/tlog-proof@v1</code>, which other programs check too.</p>
</section>`;
}

function proofSection({ runs }: PackFacts): string {
  const left = runs === 1 ? "<li>Between its first and its last index no entry was left out.</li>" : "";
  return `<section>
<h2>What the check proves, and what it does not</h2>
<p>If it holds, and the key is the right one:</p>
<ul>
<li>Every entry here was recorded in the trail as it stands here, at its index, before the checkpoint that covers it was signed.</li>
<li>All checkpoints here are of one history: none of them denies what another one covers.</li>
${left}
</ul>
<p>It does not prove:</p>
<ul>
<li>that nothing else matches the question: an entry could have been left out by whoever made the pack${runs === 1 ? ", before the first or after the last" : ""}. Ask the trail itself, or verify a copy of its ledger;</li>
<li>that what a program reported is true, or that everything that happened was reported;</li>
<li>who made the pack and when: nobody signed that;</li>
<li>that the operator shows the same trail to everybody: for that, compare the checkpoints with ones that were kept elsewhere.</li>
</ul>
</section>`;
}

function value(text: string): string {
  return `<bdi>${htmlText(text)}</bdi>`;
}
