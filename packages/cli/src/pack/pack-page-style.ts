/** The style of the summary page: dark and light, for the screen and for paper. */
export const PACK_PAGE_STYLE = `:root { color-scheme: light dark; --text: #1c2126; --soft: #59636e; --line: #d5dae0; --ground: #fff; --panel: #f5f7f9; --good: #1a6e3c; --bad: #a8201a; --mark: #8a5a00; }
@media (prefers-color-scheme: dark) { :root { --text: #e4e8ec; --soft: #9aa4af; --line: #363d45; --ground: #14181c; --panel: #1d2329; --good: #6cc48f; --bad: #f08a80; --mark: #e0b252; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 2rem 1.25rem 4rem; font: 1rem/1.5 system-ui, sans-serif; color: var(--text); background: var(--ground); }
h1 { margin: 0 0 .75rem; font-size: 1.6rem; overflow-wrap: anywhere; }
h2 { margin: 2.5rem 0 .5rem; font-size: 1.1rem; }
.kind { margin: 0; color: var(--soft); font-size: .85rem; letter-spacing: .06em; text-transform: uppercase; }
.warning { padding: .6rem .9rem; background: var(--panel); border-left: .25rem solid var(--mark); }
code, pre, .time, .number { font-family: ui-monospace, monospace; font-size: .875rem; }
code { overflow-wrap: anywhere; }
pre { margin: .4rem 0; padding: .75rem; max-height: 40rem; overflow: auto; white-space: pre-wrap; overflow-wrap: anywhere; background: var(--panel); }
table { border-collapse: collapse; }
th, td { padding: .3rem .7rem .3rem 0; text-align: left; vertical-align: top; font-weight: normal; }
th { color: var(--soft); }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
caption { padding-bottom: .2rem; text-align: left; font-weight: 600; }
.counts { display: flex; flex-wrap: wrap; gap: 1.5rem 3.5rem; align-items: flex-start; }
.wide { overflow-x: auto; }
.entries { width: 100%; font-size: .925rem; }
.entries thead th { border-bottom: 2px solid var(--line); }
.entries tbody { border-bottom: 1px solid var(--line); }
.entries td { max-width: 22rem; overflow-wrap: anywhere; }
.entries .time { white-space: nowrap; }
.more td { padding-top: 0; max-width: none; }
summary { cursor: pointer; color: var(--soft); font-size: .85rem; }
.status.success { color: var(--good); }
.status.failure, .status.denied { color: var(--bad); font-weight: 600; }
@media print { body { max-width: none; padding: 0; } .entries tr { break-inside: avoid; } }
`;
