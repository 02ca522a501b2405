import { addHostOf, type ProgramCall, type ProgramReader, readArguments, readFiles, readUnsure, writeFiles } from "./program-call.ts";
import type { ShellWord } from "./shell-word.ts";

const CURL_VALUED = new Set(
  (
    "-X --request -H --header -d --data --data-raw --data-binary --data-urlencode --data-ascii --json -F --form --form-string -T --upload-file -o --output -u --user -A --user-agent -e --referer " +
    "-b --cookie -c --cookie-jar -K --config -m --max-time --connect-timeout -w --write-out -x --proxy -E --cert --key --cacert -r --range --retry --retry-delay -D --dump-header --resolve --output-dir --url -C -Y -y -z --unix-socket --interface --netrc-file --trace --trace-ascii --stderr --oauth2-bearer"
  ).split(" "),
);
const BODY = [
  "-d",
  "--data",
  "--data-raw",
  "--data-binary",
  "--data-urlencode",
  "--data-ascii",
  "--json",
  "-F",
  "--form",
  "--form-string",
  "-T",
  "--upload-file",
];
const WRITTEN = ["-o", "--output", "-c", "--cookie-jar", "-D", "--dump-header", "--trace", "--trace-ascii", "--stderr"];
const READ = ["-T", "--upload-file", "-K", "--config", "-E", "--cert", "--key", "--cacert", "--netrc-file", "--unix-socket"];
const READING_METHODS = /^(?:GET|HEAD|OPTIONS)$/i;

/** A URL, or a host with a path that a program takes for one. */
function addPlace(word: ShellWord, call: ProgramCall): void {
  if (!word.isComplete) call.finding.markUnread("argument");
  if (!call.finding.addUrl(word.text) && !word.text.startsWith("$") && /^[\w.[:-]/.test(word.text))
    call.finding.addUrl(`http://${word.text}`);
}

function curl(call: ProgramCall): void {
  const read = readArguments(call.words, CURL_VALUED);
  const { finding } = call;
  const methods = read.valuesOf("-X", "--request");
  // With -G the data is a query.
  const sends = read.has(...BODY) && !read.has("-G", "--get");
  const isWriting =
    sends || methods.some(({ text }) => !READING_METHODS.test(text)) || read.has("-O", "--remote-name", "-J", "-K", "--config");
  finding.raise(isWriting ? "read-write" : "readonly");
  if (read.has("-K", "--config")) finding.markUnread("script");
  writeFiles(
    read.valuesOf(...WRITTEN).filter(({ text }) => text !== "-"),
    call,
  );
  readFiles(read.valuesOf(...READ), call);
  for (const value of read.valuesOf(...BODY.filter((name) => !READ.includes(name)), "-H", "--header", "-b", "--cookie")) {
    const file = /(?:^|=)[@<]([^;]+)/.exec(value.text)?.[1];
    if (file !== undefined) readFiles([{ ...value, text: file }], call);
  }
  for (const place of [...read.operands, ...read.valuesOf("--url", "-x", "--proxy")]) addPlace(place, call);
}

function wget(call: ProgramCall): void {
  const valued = new Set(
    "-O --output-document -o --output-file -P --directory-prefix --header -U --user-agent --post-data --post-file --method --body-data --body-file -i --input-file -t -T -e --user --password".split(
      " ",
    ),
  );
  const read = readArguments(call.words, valued);
  const outputs = read.valuesOf("-O", "--output-document");
  const isReading = read.has("--spider") || (outputs.length > 0 && outputs.every(({ text }) => text === "-" || text === "/dev/null"));
  call.finding.raise(isReading && !read.has("--post-data", "--post-file", "--method", "--body-file") ? "readonly" : "read-write");
  writeFiles([...outputs.filter(({ text }) => text !== "-"), ...read.valuesOf("-o", "--output-file")], call);
  readFiles(read.valuesOf("--post-file", "--body-file", "-i", "--input-file"), call);
  for (const place of read.operands) addPlace(place, call);
}

function httpie(call: ProgramCall): void {
  const { operands } = readArguments(call.words, new Set(["-a", "--auth", "-o", "--output", "--session"]));
  const [method] = operands;
  const hasMethod = /^[A-Z]+$/.test(method?.text ?? "");
  const rest = operands.slice(hasMethod ? 1 : 0);
  const isReading = hasMethod ? READING_METHODS.test(method?.text ?? "") : !rest.slice(1).some(({ text }) => /[^=:]=|@|:=/.test(text));
  call.finding.raise(isReading && !call.words.some(({ text }) => /^(?:-o|--output|-d|--download)/.test(text)) ? "readonly" : "read-write");
  if (rest[0] !== undefined) addPlace(rest[0], call);
  readUnsure(rest.slice(1), call);
}

/** Programs that only ask the network. */
function asks(call: ProgramCall): void {
  const { operands } = readArguments(call.words, new Set(["-c", "-w", "-W", "-i", "-t", "-p", "-q", "-m"]));
  call.finding.raise("readonly");
  for (const { text } of operands) if (!text.startsWith("+") && !/^\d+$/.test(text)) addHostOf(text.replace(/^@/, ""), call.finding);
}

const SSH_VALUED = new Set("-b -c -D -E -e -F -I -i -J -L -l -m -O -o -p -Q -R -S -W -w".split(" "));

/** What runs on the other machine is read like any script; without one a person or a pipe says there what to do. */
function ssh(call: ProgramCall): void {
  const read = readArguments(call.words, SSH_VALUED, true);
  const [host, ...command] = read.operands;
  readFiles(read.valuesOf("-i", "-F"), call);
  readUnsure(read.valuesOf("-o"), call);
  if (host !== undefined) addHostOf(host.text.replace(/^ssh:\/\//, ""), call.finding);
  if (host !== undefined && !host.isComplete) call.finding.markUnread("argument");
  if (command.length > 0) call.runScript(command.map(({ text }) => text).join(" "), true);
  else if (call.input.kind === "text") call.runScript(call.input.text, true);
  else call.finding.markUnread("script");
  if (command.some(({ isComplete }) => !isComplete)) call.finding.markUnread("argument");
}

/** `scp`, `rsync` and `sftp`: places are `host:path` or paths. */
function transfers(call: ProgramCall): void {
  const read = readArguments(
    call.words,
    new Set(
      [...SSH_VALUED, "--exclude", "--include", "--rsh", "--files-from"].filter(
        (name) =>
          call.program === "scp" ||
          !["-b", "-c", "-l", "-m", "-O", "-S", "-R", "-L", "-E", "-D", "-I", "-W", "-w", "-p", "-i"].includes(name),
      ),
    ),
  );
  const { finding } = call;
  const isTrial = call.program === "rsync" && read.has("--dry-run", "-n");
  finding.raise(isTrial ? "readonly" : "read-write");
  if (call.program === "rsync" && read.has("-e", "--rsh"))
    for (const { text } of read.valuesOf("-e", "--rsh")) call.runScript(`${text} host true`);
  if (call.program === "scp") readFiles(read.valuesOf("-i", "-F"), call);
  read.operands.forEach((word, i) => {
    const remote = /^(?:[\w.-]+@)?(\[[^\]]+\]|[\w.-]{2,}):(.*)$/.exec(word.text);
    if (remote !== null) {
      addHostOf(remote[1] ?? "", finding);
      if (!word.isComplete) finding.markUnread("argument");
      if (remote[2] !== "") finding.addIfSensitive(remote[2] ?? "", undefined);
    } else if (i === read.operands.length - 1 && i > 0 && !isTrial) writeFiles([word], call);
    else readFiles([word], call);
  });
}

/** `nc` and the like carry anything anywhere. */
function connects(call: ProgramCall): void {
  const { operands } = readArguments(call.words, new Set(["-p", "-w", "-s", "-e", "-c"]));
  call.finding.raise("read-write");
  const [host] = operands;
  if (host !== undefined && !/^\d+$/.test(host.text)) addHostOf(host.text, call.finding);
  readUnsure(operands.slice(1), call);
}

export const NETWORK_READERS: Readonly<Record<string, ProgramReader>> = {
  curl,
  wget,
  http: httpie,
  https: httpie,
  xh: httpie,
  ping: asks,
  ping6: asks,
  dig: asks,
  nslookup: asks,
  host: asks,
  traceroute: asks,
  whois: asks,
  ssh,
  scp: transfers,
  rsync: transfers,
  sftp: transfers,
  nc: connects,
  ncat: connects,
  netcat: connects,
  telnet: connects,
  socat: connects,
  ftp: connects,
};
