/** Endings of source code and prose: a module named `credentials.ts` holds the handling of secrets, not secrets. */
const SOURCE_ENDINGS = "ts tsx js jsx mjs cjs py go rs java kt rb php cs c h cc cpp swift scala md mdx rst html css scss vue svelte".split(
  " ",
);

/**
 * Files that hold secrets by their nature. What is after a `!` is exempt; the last pattern that matches a path decides.
 *
 * Personal data is not guessed by names of files: which ones hold it is known to who runs the server.
 */
export const DEFAULT_PATHS: readonly string[] = [
  // Settings with secrets; their templates have none.
  ".env",
  ".env.*",
  ".envrc",
  "*.env",
  "!.env.example",
  "!.env.sample",
  "!.env.template",
  "!.env.dist",
  "!example.env",
  "!sample.env",
  // Keys. The public half and the list of known hosts are meant to be read.
  "~/.ssh/**",
  "id_rsa*",
  "id_dsa*",
  "id_ecdsa*",
  "id_ed25519*",
  "*.pem",
  "*.key",
  "*.p12",
  "*.pfx",
  "*.jks",
  "*.keystore",
  "*.ppk",
  "*.kdbx",
  "~/.gnupg/**",
  "!*.pub",
  "!~/.ssh/known_hosts*",
  // Credentials of programs.
  "~/.aws/credentials",
  "~/.aws/sso/**",
  "~/.config/gcloud/**",
  "~/.azure/**",
  "~/.kube/config",
  "~/.config/gh/hosts.yml",
  "~/.claude/.credentials.json",
  "~/.password-store/**",
  "~/Library/Keychains/**",
  ".docker/config.json",
  ".npmrc",
  ".pypirc",
  ".netrc",
  "_netrc",
  ".pgpass",
  ".my.cnf",
  ".git-credentials",
  ".htpasswd",
  ".vault-token",
  "kubeconfig",
  "credentials*",
  "secrets.*",
  ...SOURCE_ENDINGS.flatMap((ending) => [`!credentials*.${ending}`, `!secrets.*${ending}`]),
  // The machine's own. /proc/*/environ holds the environment of a process, and with it its secrets.
  "/etc/shadow*",
  "/etc/gshadow*",
  "/etc/sudoers",
  "/etc/sudoers.d/**",
  "/etc/ssl/private/**",
  "/etc/kubernetes/*.conf",
  "/proc/*/environ",
  "/run/secrets/**",
  "/var/run/secrets/**",
];

/** The metadata services of clouds: they hand out the credentials of the machine to whoever asks from it. */
export const DEFAULT_HOSTS: readonly string[] = [
  "169.254.169.254",
  "169.254.170.2",
  "100.100.100.200",
  "[fd00:ec2::254]",
  "metadata.google.internal",
  "metadata.azure.internal",
];

/** Tables that hold password hashes or keys, in the catalogs of databases and by their plain names. Tables of persons are a choice of who runs the server. */
export const DEFAULT_TABLES: readonly string[] = [
  "pg_shadow",
  "pg_authid",
  "mysql.user",
  "*password*",
  "*credential*",
  "*secret*",
  "*api_key*",
  "*access_token*",
  "*refresh_token*",
];

/** Commands that print secrets: a program, or a program and the words that follow it, options left out. */
export const DEFAULT_COMMANDS: readonly string[] = [
  "pass",
  "op",
  "bw",
  "vault read",
  "vault kv get",
  "secret-tool lookup",
  "security find-generic-password",
  "security find-internet-password",
  "security dump-keychain",
  "gh auth token",
  "git credential*",
  "kubectl get secret*",
  "kubectl describe secret*",
  "oc get secret*",
  "aws secretsmanager get-secret-value",
  "aws secretsmanager batch-get-secret-value",
  "aws ssm get-parameter*",
  "aws sts get-session-token",
  "aws sts assume-role*",
  "aws configure export-credentials",
  "gcloud secrets versions access",
  "gcloud auth print-access-token",
  "gcloud auth print-identity-token",
  "az keyvault secret show",
  "az account get-access-token",
  "heroku config*",
  "terraform output",
  "gpg --export-secret-keys",
];

/** None: which servers hold sensitive data is a choice of who runs the server. */
export const DEFAULT_MCP_SERVERS: readonly string[] = [];
