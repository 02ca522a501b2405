// biome-ignore-all format: a copy of packages/hook/dist/agent-audit-log.js, made by scripts/plugin.mjs
// biome-ignore-all lint: a copy of packages/hook/dist/agent-audit-log.js, made by scripts/plugin.mjs
// biome-ignore-all assist: a copy of packages/hook/dist/agent-audit-log.js, made by scripts/plugin.mjs
/**
 * The hook command: tells the trail what a coding agent posts to its hooks, and never stands in the agent's way.
 *
 * It is one file longer than the others, on purpose: it is copied alone into plugins, where nothing else of this repository is, and each further file would cost every tool call the time to load it. For
 * the same reason the bounds stand here, and what only few runs need is imported where it is needed. Rules: docs/spec/hooks.md, HOOK-5 to HOOK-19.
 */
import { randomUUID } from "node:crypto";
import { appendFileSync, chmodSync, closeSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, statSync, unlinkSync, writeFileSync, writeSync, } from "node:fs";
import { Agent, request as requestHttp } from "node:http";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
/** Bytes of a payload that is told whole: the longest event that the server takes. Of a longer one only the envelope is told. */
const INPUT_BYTES_MAX = 16 * 1_048_576;
/** Milliseconds of a run, unless `AUDIT_TIMEOUT_MS` says otherwise: agents wait for a hook, people notice more. */
const RUN_MS = 3_000;
/** Milliseconds of a run at the end of a session: all its hooks share 1.5 s, after which they are killed. */
const LAST_RUN_MS = 1_000;
/** Waiting hooks that one run sends beside its own, and the milliseconds for it: the agent waits meanwhile. `--flush` sends all. */
const REPLAY_FILES_MAX = 50;
const REPLAY_MS = 1_000;
/** Waiting hooks that are not answered well, after which the server counts as away. */
const REPLAY_FAILURES_MAX = 3;
/** Waiting hooks and their bytes: some days of work without a server, and no more than a disk can spare. Runs at the same time may each add one above it. */
const SPOOL_FILES_MAX = 5_000;
const SPOOL_BYTES_MAX = 64 * 1_048_576;
/** Refused hooks that are put aside, and their bytes: enough to see why, and they stay until somebody removes them. */
const REJECTED_FILES_MAX = 100;
const REJECTED_BYTES_MAX = 8 * 1_048_576;
/** Milliseconds after which a file that a process works on is taken from it, as it is when the process has ended: ten times what a run may take. */
const WORK_MS = 60_000;
/** Bytes of a name or value that the envelope of a payload may hold. */
const MEMBER_BYTES_MAX = 512;
const DEFAULT_URL = "http://127.0.0.1:7431";
const VENDORS = ["claude-code", "codex", "copilot", "gemini-cli", "cursor", "opencode"];
/** The members that say which hook it was and hold no content, each with what its values look like. */
const ENVELOPE = {
    hook_event_name: /^[A-Za-z]{1,64}$/,
    session_id: /^[\w-]{1,64}$/,
    conversation_id: /^[\w-]{1,64}$/,
    generation_id: /^[\w-]{1,64}$/,
    tool_use_id: /^[\w-]{1,64}$/,
    tool_name: /^[\w.:-]{1,128}$/,
    agent_id: /^[\w-]{1,64}$/,
    agent_type: /^[\w:-]{1,64}$/,
    prompt_id: /^[\w-]{1,64}$/,
    permission_mode: /^[A-Za-z]{1,32}$/,
    duration_ms: /^\d{1,12}(?:\.\d{1,9})?$/,
    is_interrupt: /^(?:true|false)$/,
    source: /^[a-z_]{1,32}$/,
    reason: /^[a-z_]{1,32}$/,
};
const NAME = /^[\w./:@-]{1,200}$/;
/** Source: W3C Trace Context, section 3.2. */
const TRACEPARENT = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/;
const settings = readSettings(process.env, process.argv.slice(2));
const startedAt = Date.now();
// Whatever fails, the agent must not hear of it. Standard output stays empty: an agent could take it for a decision.
process.on("uncaughtException", (error) => leave(error));
process.on("unhandledRejection", (error) => leave(error));
const stopped = new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"])
        process.on(signal, () => resolve("away"));
});
run().then(() => leave(), leave);
async function run() {
    const options = process.argv.slice(2);
    if (options.includes("--help"))
        print(`agent-audit-log [--url URL] [${VENDORS.join("|")}] < hook.json, or agent-audit-log [--url URL] --flush [--rejected]\n`);
    else if (options.includes("--flush"))
        await flush(options.includes("--rejected"));
    else
        await tell();
}
/** Tells of the hook on standard input, then of some that wait. */
async function tell() {
    const { bytes, members: scanned } = await readInput();
    const members = scanned ?? parseMembers(bytes);
    if (members === undefined) {
        if (bytes.length > 0)
            drop("unreadable");
        return;
    }
    const told = messageOf(members, bytes, scanned !== undefined);
    if (told === undefined)
        return drop("unreadable");
    const isLast = members.hook_event_name === "SessionEnd";
    const endsAt = startedAt + (isLast ? Math.min(LAST_RUN_MS, settings.runMs) : settings.runMs);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const delivery = await Promise.race([send(told.message, Math.max(endsAt - Date.now(), 1), agent), stopped]);
    debug(`the hook is ${delivery}`);
    if (delivery !== "stored")
        await keep(told, delivery === "refused" ? "rejected" : "hook");
    else
        await replay(agent, REPLAY_FILES_MAX, isLast ? endsAt : Date.now() + REPLAY_MS);
}
async function flush(withRejected) {
    if (withRejected)
        for (const name of namesOf("rejected-"))
            move(name, name.replace("rejected-", "hook-"));
    const sent = await replay(new Agent({ keepAlive: true, maxSockets: 1 }), Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
    const [waiting, rejected] = [namesOf("hook-").length + namesOf("sending-").length, namesOf("rejected-").length];
    print(`${sent} sent, ${waiting} waiting, ${rejected} refused and put aside${settings.folder === undefined ? "" : ` in ${settings.folder}`}\n`);
}
// ---- What is told
function messageOf(members, bytes, isWithheld) {
    const ms = Date.now();
    const occurredAt = new Date(ms).toISOString();
    const id = timedId(ms);
    const { agentId, traceparent, vendor } = settings;
    if (typeof members.hook_event_name === "string" && members.hook_event_name !== "") {
        const envelope = JSON.stringify({ ...envelopeOf(members), content_withheld: true });
        const sessionId = isText(members.session_id) ? undefined : settings.sessionId;
        const message = { id, occurredAt, path: `/hooks/${vendor}`, body: isWithheld ? envelope : bytes, agentId, sessionId, traceparent };
        return { message, session: plainSession(members.session_id ?? members.conversation_id ?? sessionId), envelope };
    }
    if (!isText(members.tool_name))
        return undefined;
    const session = isText(members.session_id) ? members.session_id : settings.sessionId;
    const entryOf = (name, call, more) => JSON.stringify({
        id,
        timestamp: occurredAt,
        agent: { id: agentId ?? vendor, ...(session === undefined ? {} : { session_id: session }) },
        action: { type: "tool", name, tool: { name, parameters: call.parameters } },
        outcome: { status: isFailure(members.result) ? "failure" : "success", result: call.result },
        ...more,
    });
    const shortName = ENVELOPE.tool_name?.test(members.tool_name) === true ? members.tool_name : "unknown";
    const envelope = entryOf(shortName, {}, { content_withheld: true });
    const body = isWithheld ? envelope : entryOf(members.tool_name, parseExactly(bytes.toString("utf8")), {});
    return { message: { id, occurredAt, path: "/log", body }, session: plainSession(session), envelope };
}
function plainSession(id) {
    return typeof id === "string" && ENVELOPE.session_id?.test(id) === true ? id : "";
}
function isFailure(result) {
    if (typeof result !== "object" || result === null)
        return false;
    const { error, is_error: isError, exit_code: exitCode } = result;
    return Boolean(error) || isError === true || (exitCode !== undefined && exitCode !== null && Number(exitCode) !== 0);
}
function envelopeOf(members) {
    const kept = Object.entries(ENVELOPE).filter(([name, pattern]) => {
        const value = members[name];
        return ["string", "number", "boolean"].includes(typeof value) && pattern.test(String(value));
    });
    return Object.fromEntries(kept.map(([name]) => [name, members[name]]));
}
function parseMembers(bytes) {
    try {
        const value = JSON.parse(bytes.toString("utf8"));
        return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
    }
    catch {
        return undefined;
    }
}
/** Whole numbers that a double cannot hold become text, as the server keeps them. */
function parseExactly(text) {
    if (!/\d{16}/.test(text))
        return JSON.parse(text);
    try {
        const exact = text.replace(/"[^"\\]*(?:\\.[^"\\]*)*"|-?\d{16,}(?![\d.eE])/g, (token) => token.startsWith('"') || String(Number(token)) === token ? token : `"${token}"`);
        return JSON.parse(exact);
    }
    catch {
        return JSON.parse(text); // A text in it is too long for the expression.
    }
}
/** All of standard input, at most until the time of the run is over. Of more than `INPUT_BYTES_MAX` only the members of an envelope. */
function readInput() {
    return new Promise((resolve) => {
        const { stdin } = process;
        let chunks = [];
        let size = 0;
        let scanner;
        const finish = () => {
            clearTimeout(timer);
            stdin.destroy();
            resolve(scanner === undefined ? { bytes: Buffer.concat(chunks) } : { bytes: Buffer.alloc(0), members: scanner.members });
        };
        const timer = setTimeout(finish, settings.runMs);
        stdin.on("error", finish).on("end", finish);
        stdin.on("data", (chunk) => {
            size += chunk.length;
            if (scanner === undefined)
                chunks.push(chunk);
            if (size <= INPUT_BYTES_MAX)
                return;
            if (scanner === undefined) {
                scanner = createMemberScanner();
                for (const kept of chunks)
                    scanner.push(kept);
                chunks = [];
            }
            else
                scanner.push(chunk);
        });
    });
}
/** Finds the short members of a JSON object that is too long to be held. */
function createMemberScanner() {
    const members = {};
    let depth = 0;
    let isString = false;
    let isEscaped = false;
    let token = [];
    let name;
    let isValue = false;
    function read() {
        if (token.length === 0 || token.length > MEMBER_BYTES_MAX)
            return undefined;
        try {
            return JSON.parse(Buffer.from(token).toString("utf8"));
        }
        catch {
            return undefined;
        }
    }
    function endMember() {
        const value = read();
        if (isValue && typeof name === "string" && value !== undefined)
            members[name] = value;
        token = [];
        isValue = false;
    }
    return {
        members,
        push(chunk) {
            for (const byte of chunk) {
                const isKept = depth === 1 && token.length <= MEMBER_BYTES_MAX;
                if (isString) {
                    if (isKept)
                        token.push(byte);
                    if (isEscaped)
                        isEscaped = false;
                    else if (byte === 0x5c)
                        isEscaped = true;
                    else if (byte === 0x22)
                        isString = false;
                }
                else if (byte === 0x22) {
                    isString = true;
                    if (isKept)
                        token.push(byte);
                }
                else if (byte === 0x7b || byte === 0x5b)
                    depth++;
                else if (byte === 0x7d || byte === 0x5d) {
                    if (depth === 1)
                        endMember();
                    depth--;
                }
                else if (depth === 1 && byte === 0x3a) {
                    name = read();
                    token = [];
                    isValue = true;
                }
                else if (depth === 1 && byte === 0x2c)
                    endMember();
                else if (isKept && byte > 0x20)
                    token.push(byte);
            }
        },
    };
}
// ---- The server
/** One attempt. `away` is what may go well later: no connection, no answer in time, a server that asks to wait, that failed, or that does not know the key. */
async function send(message, timeoutMs, agent) {
    const { url, key } = settings;
    if (url === undefined)
        return "away";
    const isTls = url.protocol === "https:";
    const { request } = isTls ? await import("node:https") : { request: requestHttp };
    const body = typeof message.body === "string" ? Buffer.from(message.body) : message.body;
    const headers = {
        "content-type": "application/json",
        "content-length": body.length,
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...(message.path.startsWith("/hooks/") ? { "x-vouchtrail-hook-id": message.id, "x-vouchtrail-hook-time": message.occurredAt } : {}),
        ...(message.agentId === undefined ? {} : { "x-vouchtrail-agent-id": encodeURIComponent(message.agentId) }),
        ...(message.sessionId === undefined ? {} : { "x-vouchtrail-session-id": encodeURIComponent(message.sessionId) }),
        ...(message.traceparent === undefined ? {} : { traceparent: message.traceparent }),
    };
    const options = { method: "POST", headers, ...(isTls ? {} : { agent }) };
    return new Promise((resolve) => {
        const outgoing = request(new URL(`${url.href.replace(/\/+$/, "")}${message.path}`), options);
        const timer = setTimeout(() => outgoing.destroy(new Error("no answer in time")), timeoutMs);
        const end = (delivery) => {
            clearTimeout(timer);
            resolve(delivery);
        };
        outgoing.on("error", (error) => {
            debug(`the server cannot be reached: ${error.message}`);
            end("away");
        });
        outgoing.on("response", (response) => {
            const status = response.statusCode ?? 0;
            if (status >= 300)
                debug(`the server answers ${status}`);
            // The connection is used again only once the answer is read.
            response.on("end", () => end(deliveryOf(status))).on("error", () => end("away"));
            response.resume();
        });
        outgoing.end(body);
    }).catch((error) => {
        debug(`the request cannot be made: ${codeOf(error)}`); // The key holds what no header may hold.
        return "away";
    });
}
function deliveryOf(status) {
    if (status >= 200 && status < 300)
        return "stored";
    return status >= 400 && status < 500 && ![401, 408, 429].includes(status) ? "refused" : "away";
}
// ---- The spool: a file for each hook, named <state>-<ms>-<bytes>-<id>, so that a listing tells order and size
/** Writes a hook where it waits for the server, without the secrets in it: to a file of another name first, so that whatever happens no part of a hook is ever sent. */
async function keep(told, state) {
    const { folder } = settings;
    if (folder === undefined)
        return debug("there is no folder to keep the hook in");
    try {
        const { id, occurredAt } = told.message;
        const text = JSON.stringify(await withoutSecrets(told));
        const bytes = Buffer.byteLength(text);
        makeFolder(folder);
        chmodSync(folder, 0o700);
        if (!hasRoom(state, bytes))
            return drop(state === "hook" ? "full" : "rejected", told.session);
        const name = `${Date.parse(occurredAt)}-${bytes}-${id}`;
        const draft = `draft-${process.pid}-${Date.now()}-${name}`;
        try {
            writeDurably(join(folder, draft), text);
            renameSync(join(folder, draft), join(folder, `${state}-${name}`));
        }
        catch (error) {
            remove(draft);
            throw error;
        }
        syncFolder(folder);
    }
    catch (error) {
        debug(`the hook cannot be kept: ${codeOf(error)}`);
        drop("failed", told.session);
    }
}
function writeDurably(path, text) {
    const file = openSync(path, "wx", 0o600);
    try {
        writeFileSync(file, text);
        fsyncSync(file);
    }
    finally {
        closeSync(file);
    }
}
async function withoutSecrets({ message, envelope }) {
    try {
        const { createRedactor } = await import("@vouchtrail/events/redaction");
        const redactor = createRedactor();
        const redact = (name) => (name === undefined ? undefined : redactor.redactText(name).text);
        const text = String(message.body);
        const isClean = !redactor.mayContainSecrets(Buffer.from(text));
        const body = isClean ? text : JSON.stringify(redactor.redactEvent({ body: parseExactly(text) }).event.body);
        return { ...message, body, agentId: redact(message.agentId), sessionId: redact(message.sessionId) };
    }
    catch (error) {
        // Copied without the rules of redaction: then nothing that could hold a secret is written.
        debug(`the content is not kept: ${codeOf(error)}`);
        const plain = (name) => (name !== undefined && NAME.test(name) ? name : undefined);
        return { ...message, body: envelope, agentId: plain(message.agentId), sessionId: plain(message.sessionId) };
    }
}
/** Sends what waits, oldest first, and says how many hooks were stored. Stops when the server stays away; one hook on which it fails does not hold up the others. */
async function replay(agent, filesMax, endsAt) {
    const { folder } = settings;
    if (folder === undefined)
        return 0;
    for (const name of namesOf(""))
        takeBack(name);
    let sent = 0;
    let failures = 0;
    for (const name of namesOf("hook-").slice(0, Math.min(filesMax, SPOOL_FILES_MAX * 2))) {
        if (Date.now() >= endsAt)
            break;
        const claimed = `sending-${process.pid}-${Date.now()}-${name.slice("hook-".length)}`;
        if (!move(name, claimed))
            continue;
        const message = readMessage(join(folder, claimed));
        if (message === undefined) {
            drop("damaged");
            remove(claimed);
            continue;
        }
        const delivery = await Promise.race([send(message, Math.min(settings.runMs, endsAt - Date.now() + 1), agent), stopped]);
        if (delivery === "stored") {
            sent++;
            remove(claimed);
        }
        else if (delivery === "away") {
            move(claimed, name);
            failures++;
            if (failures === REPLAY_FAILURES_MAX)
                return sent;
        }
        else if (hasRoom("rejected", sizeOf(name)))
            move(claimed, name.replace("hook-", "rejected-"));
        else {
            drop("rejected");
            remove(claimed);
        }
    }
    if (Date.now() < endsAt)
        await tellDropped(agent);
    return sent;
}
/** A file that a process worked on which has ended: one that is whole waits again, the rest of one that was being written is dropped. */
function takeBack(name) {
    const [, state, pid, since, rest] = /^(draft|sending)-(\d+)-(\d+)-(.+)$/.exec(name) ?? [];
    const { folder } = settings;
    if (folder === undefined || rest === undefined)
        return;
    const isOld = Date.now() - Number(since) > WORK_MS;
    // A draft may be another container's, whose processes are not seen here: only its age counts.
    if (!isOld && (state === "draft" || isAlive(Number(pid))))
        return;
    if (state === "sending" || readMessage(join(folder, name)) !== undefined)
        move(name, `hook-${rest}`);
    else if (remove(name))
        drop("damaged");
}
function readMessage(path) {
    try {
        const message = JSON.parse(readFileSync(path, "utf8"));
        return [message.id, message.occurredAt, message.path, message.body].every(isText) ? message : undefined;
    }
    catch {
        return undefined;
    }
}
/** One line for each hook that could not be kept, with its session where that is known: appending is safe however many processes do it. */
function drop(reason, session = "") {
    const { folder } = settings;
    debug(`a hook is dropped: ${reason}`);
    if (folder === undefined)
        return;
    try {
        makeFolder(folder);
        appendFileSync(join(folder, "dropped"), `${reason} ${session}\n`, { mode: 0o600 });
    }
    catch (error) {
        debug(`it cannot be counted: ${codeOf(error)}`);
    }
}
/** Tells the trail how many hooks it does not have, and why. The name of the file holds the id and time of the event, so that telling it again adds nothing. */
async function tellDropped(agent) {
    const { folder } = settings;
    if (folder === undefined)
        return;
    const ms = Date.now();
    if (namesOf("dropped").includes("dropped"))
        move("dropped", `dropped-${ms}-${timedId(ms)}`);
    for (const name of namesOf("dropped-")) {
        const [, since = "", id = ""] = /^dropped-(\d+)-(.+)$/.exec(name) ?? [];
        const occurredAt = new Date(Number(since)).toISOString();
        const lines = readLines(join(folder, name));
        const body = JSON.stringify(droppedEvents(lines, id, occurredAt));
        const delivery = await Promise.race([send({ id, occurredAt, path: "/api/v1/events", body }, REPLAY_MS, agent), stopped]);
        if (delivery === "away")
            return;
        // A line that was being appended while the file got its name is told with the next ones.
        for (const line of readLines(join(folder, name)).slice(lines.length))
            drop(...line.split(" "));
        if (delivery === "stored")
            remove(name);
        else
            return;
    }
}
/** One event for each session, under ids that follow from the first one, so that telling it again adds nothing. */
function droppedEvents(lines, id, occurredAt) {
    const bySession = new Map();
    for (const line of lines) {
        const [reason = "", session = ""] = line.split(" ");
        const reasons = bySession.get(session) ?? {};
        bySession.set(session, { ...reasons, [reason]: (reasons[reason] ?? 0) + 1 });
    }
    return [...bySession].map(([session, reasons], position) => ({
        id: `${id.slice(0, -4)}${((Number.parseInt(id.slice(-4), 16) + position) & 0xffff).toString(16).padStart(4, "0")}`,
        occurredAt,
        action: "agent.hook.dropped",
        actor: { type: "system", id: "agent-audit-log" },
        target: { type: "spool", id: "hooks" },
        outcome: { status: "failure", code: "HOOKS_DROPPED" },
        details: { count: Object.values(reasons).reduce((sum, count) => sum + count, 0), reasons },
        ...(session === "" ? {} : { context: { sessionId: session } }),
    }));
}
// ---- Small parts
function readSettings(variables, options) {
    const get = (...names) => names.map((name) => variables[name]).find(isText);
    const named = options.indexOf("--url");
    const url = toUrl((named < 0 ? undefined : options[named + 1]) ?? get("AUDIT_LOG_URL", "VOUCHTRAIL_URL") ?? DEFAULT_URL);
    const runMs = Number(get("AUDIT_TIMEOUT_MS") ?? RUN_MS);
    return {
        url,
        key: get("AUDIT_TOKEN", "VOUCHTRAIL_KEY"),
        agentId: toName(get("AGENT_ID")),
        sessionId: toName(get("SESSION_ID")),
        traceparent: variables.TRACEPARENT !== undefined && TRACEPARENT.test(variables.TRACEPARENT) ? variables.TRACEPARENT : undefined,
        vendor: options.find((option) => VENDORS.includes(option)) ?? "claude-code",
        folder: spoolFolder(get("AUDIT_SPOOL_DIR"), get("XDG_STATE_HOME"), url),
        runMs: runMs >= 100 && runMs <= WORK_MS / 2 ? runMs : RUN_MS,
        isDebug: variables.AUDIT_DEBUG === "1",
    };
}
/** As the server takes it: at most 200 characters, none of them a control character. */
function toName(text) {
    const name = text?.slice(0, 200).replace(/[\p{Cc}\p{Cs}]/gu, "");
    return isText(name) ? name : undefined;
}
function toUrl(text) {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    return url?.protocol === "http:" || url?.protocol === "https:" ? url : undefined;
}
/** A folder for each server: what one of them missed must not be told to another. */
function spoolFolder(given, state, url) {
    const server = `${url?.host ?? "none"}${url?.pathname ?? ""}`.replace(/[^\w.-]+/g, "_").replace(/^\.+|_+$/g, "");
    try {
        return join(given ?? join(state ?? join(homedir(), ".local", "state"), "vouchtrail", "hooks"), server.slice(0, 100));
    }
    catch {
        return undefined; // Neither a home nor a user with one.
    }
}
/** Not `recursive`, with which Node never comes back from a place where nothing can be made, such as /proc. */
function makeFolder(path, levels = 32) {
    try {
        mkdirSync(path, { mode: 0o700 });
    }
    catch (error) {
        if (codeOf(error) === "EEXIST")
            return;
        if (codeOf(error) !== "ENOENT" || levels === 0 || dirname(path) === path)
            throw error;
        makeFolder(dirname(path), levels - 1);
        makeFolder(path, 0);
    }
}
function hasRoom(state, bytes) {
    const names = [...namesOf(`${state}-`), ...(state === "hook" ? namesOf("sending-") : [])];
    const isBounded = state === "hook" ? [SPOOL_FILES_MAX, SPOOL_BYTES_MAX] : [REJECTED_FILES_MAX, REJECTED_BYTES_MAX];
    const [filesMax = 0, bytesMax = 0] = isBounded;
    return names.length < filesMax && names.reduce((sum, name) => sum + sizeOf(name), bytes) <= bytesMax;
}
/** The bytes of a file, from its name. */
function sizeOf(name) {
    return Number(/-\d{12,}-(\d+)-[0-9a-f-]{36}$/.exec(name)?.[1] ?? 0);
}
/** Files of the spool, the oldest first. */
function namesOf(start) {
    if (settings.folder === undefined)
        return [];
    try {
        return readdirSync(settings.folder)
            .filter((name) => name.startsWith(start))
            .sort();
    }
    catch {
        return [];
    }
}
function move(from, to) {
    return attempt((folder) => renameSync(join(folder, from), join(folder, to)));
}
function remove(name) {
    return attempt((folder) => unlinkSync(join(folder, name)));
}
/** False when another process was first. */
function attempt(work) {
    try {
        if (settings.folder !== undefined)
            work(settings.folder);
        return true;
    }
    catch {
        return false;
    }
}
function readLines(path) {
    try {
        return statSync(path).isFile()
            ? readFileSync(path, "utf8")
                .split("\n")
                .filter((line) => line !== "")
            : [];
    }
    catch {
        return [];
    }
}
function syncFolder(folder) {
    try {
        const handle = openSync(folder, "r");
        fsyncSync(handle);
        closeSync(handle);
    }
    catch {
        // Not every system can.
    }
}
function isAlive(pid) {
    try {
        process.kill(pid, 0);
        return true;
    }
    catch (error) {
        return codeOf(error) === "EPERM";
    }
}
/** A UUID of version 7: sorted by time. */
function timedId(ms) {
    const hex = ms.toString(16).padStart(12, "0");
    return `${hex.slice(0, 8)}-${hex.slice(8)}-7${randomUUID().slice(15)}`;
}
function isText(value) {
    return typeof value === "string" && value !== "";
}
function codeOf(error) {
    return typeof error === "object" && error !== null && "code" in error ? String(error.code) : "unknown";
}
function print(text) {
    write(1, text);
}
/** Never the content of a hook, nor the key. */
function debug(text) {
    if (settings.isDebug)
        write(2, `agent-audit-log: ${text}\n`);
}
function write(descriptor, text) {
    try {
        writeSync(descriptor, text);
    }
    catch {
        // Nobody reads it.
    }
}
function leave(error) {
    if (error !== undefined)
        debug(`it failed: ${codeOf(error)}`);
    process.exit(0);
}
