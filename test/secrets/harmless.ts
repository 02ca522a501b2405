/** Text that looks a little like a secret and is none. Every line must come back from redaction as it is. */
import { createHash } from "node:crypto";

const hash = (algorithm: string, text: string, encoding: "hex" | "base64" = "hex"): string =>
  createHash(algorithm).update(text).digest(encoding);
const range = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);

const generated: readonly string[] = [
  ...range(12).map((n) => `sha256:${hash("sha256", `layer ${n}`)}`),
  ...range(12).map((n) => `commit ${hash("sha1", `commit ${n}`)}`),
  ...range(6).map((n) => `${hash("sha1", `short ${n}`).slice(0, 7)} fix the parser`),
  ...range(8).map((n) => `"integrity": "sha512-${hash("sha512", `package ${n}`, "base64")}"`),
  ...range(8).map((n) => hash("md5", `file ${n}`)),
  ...range(10).map((n) => hash("sha1", `uuid ${n}`).replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, "$1-$2-4$3-8$4-$5")),
  ...range(6).map((n) => `data:image/png;base64,iVBORw0KGgo${hash("sha512", `image ${n}`, "base64").repeat(4).replaceAll("=", "A")}`),
  ...range(4).map((n) => `toolu_01${hash("sha256", `tool ${n}`, "base64").replace(/[+/=]/g, "A").slice(0, 22)}`),
  ...range(4).map((n) => `msg_01${hash("sha256", `message ${n}`, "base64").replace(/[+/=]/g, "B").slice(0, 22)}`),
  ...range(4).map((n) => `req_011${hash("sha256", `request ${n}`, "base64").replace(/[+/=]/g, "C").slice(0, 21)}`),
  ...range(4).map((n) => `call_${hash("sha256", `call ${n}`, "base64").replace(/[+/=]/g, "D").slice(0, 24)}`),
  ...range(4).map((n) => `traceparent: 00-${hash("md5", `trace ${n}`)}-${hash("md5", `span ${n}`).slice(0, 16)}-01`),
];

const written = String.raw`
reset your password
Forgot your password? Click the link.
the token expired
The token was refreshed after the session timed out.
secret sauce
it is no secret that this works
Please enter a password of at least 12 characters.
Password must contain a digit.
password is required
your password is incorrect
token is invalid
API key is missing
the api key is required for this call
Passwords do not match
Note on passwords: the user should rotate them.
keep the secret key safe
Bearer token required
use a bearer token
basic auth is disabled
Basic usage: run the command
authorization: required
Authorization failed
cookie policy updated
Cookie: consent banner
Set-Cookie is not sent
const token = getToken()
const token = await getToken(user);
let password = req.body.password;
const password = options.password ?? prompt();
password: string;
password?: string | undefined;
token: string,
apiKey: string;
readonly secret: Uint8Array;
secret: Buffer;
private readonly token: Token;
function login(user: string, password: string): Promise<Session>
def login(self, username: str, password: str) -> None:
self.password = password
self.token = token
password=password
token=token,
api_key=api_key
client = Client(api_key=api_key, timeout=30)
client = Client(token=os.environ["API_TOKEN"])
token = os.environ.get("TOKEN")
process.env.API_KEY
const key = process.env.API_KEY;
apiKey: process.env.API_KEY,
password: config.get("db.password"),
password: process.env.DB_PASSWORD
secret: z.string().min(1),
token: z.string(),
if (password === undefined) return;
if (token == null) throw new Error("no token");
if password != expected:
echo $PASSWORD
export TOKEN=$TOKEN
export API_KEY="$API_KEY"
export GITHUB_TOKEN=$(gh auth token)
PASSWORD=\${PASSWORD}
password: \${{ secrets.DB_PASSWORD }}
token: \${{ secrets.GITHUB_TOKEN }}
password: {{ vault_password }}
--token=$TOKEN
--password "$PASSWORD"
curl -H "Authorization: Bearer $TOKEN" https://example.com
curl -H "Authorization: Bearer \${TOKEN}" https://example.com
Authorization: Bearer <token>
Authorization: Bearer YOUR_TOKEN
X-Api-Key: <your-api-key>
api_key=<your-api-key>
api_key: your-api-key
API_KEY=your-api-key-here
api_key=xxxxxxxx
password=********
password: ***
password=[REDACTED]
"password":"[REDACTED]"
token: null
"token": null
password = None
secret: undefined
"password": ""
password:
token=
PASSWORD=
"max_tokens": 4096
max_tokens=4096
"token_count": 17
tokens: 1500
tokensInput: 1200, tokensOutput: 300
"tokenizer": "cl100k_base"
tokenizer=o200k
"password_reset_required": true
password_changed_at: 2026-01-02T03:04:05Z
hasPassword: true
token_type: bearer
"token_type": "Bearer"
"nextPageToken": "CAUQAA"
page_token=CAoQAA2
next_token: abc123def456
eos_token: </s>
stop_token=END9
secretName: my-app-tls
secret_name = my-app-tls
secretKeyRef:
secretRef: app-config1
keyboard: qwerty1
key: value
"key": "abc123def456ghi789"
primaryKey: id
primary_key=True
foreign_key: user_id2
keyCode: 13
public_key: ssh-ed25519
sessionId: 5b0a3d52-91a7-4a77-8f3e-0d7a6f0f2b11
session_id=01J9ZK7Q2M8V4N6R3T5W7Y9B1D
01ARZ3NDEKTSV4RRFFQ69G5FAV
2026-01-31T12:00:00.000Z
2026-01-31 12:00:00,123 INFO started
1764000000000
1764000000123456
1764000000123456789
order 1234567890123
order 4000-1234
invoice 2026-000123-42
ISBN 978-3-16-148410-0
+49 30 901820 12345
+1 (555) 010-9999
tel: 555-0100-1234
4111 1111 1111 1112
4111111111111112
1234567812345670
0000000000000000
40000000000000000000000000000002
version 1.2.3
v10.20.30-rc.1+build.5
"react": "^19.2.0"
lodash@4.17.21
@types/node@20.11.5
npm_config_cache
npm_lifecycle_event=test
registry.example.com/team/image:1.2.3
ghcr.io/owner/image@sha256:0a1b2c3d
/home/app/projects/secret-santa/src/token.ts
/usr/share/doc/passwd/README
/etc/passwd
cat /etc/passwd | cut -d: -f1
packages/events/src/redaction/token-rules.ts:120
src/auth/token/password-reset-controller.ts
C:\\Users\\app\\AppData\\Local\\Temp
https://example.com/docs/api-keys
https://example.com/reset-password?step=2
https://example.com/search?q=password+manager
https://example.com/a?key=name&code=200
https://user@example.com/path
https://github.com/owner/repo/commit/0123456789abcdef0123456789abcdef01234567
ssh://git@example.com:22/owner/repo.git
git@github.com:owner/repo.git
mailto:someone@example.com
someone@example.com
http://localhost:3000/@vite/client
postgres://localhost:5432/app
postgres://user:password@localhost/app
postgres://\${USER}:\${PASSWORD}@host/db
redis://cache:6379/0
.password { color: #ff00aa; }
input[type="password"] { border: 0 }
<input type="password" name="password">
<label for="token">Token</label>
background: url(/img/key.png)
--color-token: #1a2b3c;
grep -rn "password" src/
grep -i token config.yaml
rg "api_key" --type py
sed -n 1,20p secrets.md
ls -la ~/.ssh
kubectl get secret app-tls
kubectl get secrets -n default
docker run -p 8080:80 nginx
docker run -p3306:3306 mysql:8
mysql -u root -p
psql -U postgres -d app
mysqldump --single-transaction app
ssh -p 2222 host
tar -xzf archive.tgz
npm run test -- --coverage
vault kv get secret/app
vault read -field=value secret/app
aws sts get-caller-identity
gh auth status
git log --oneline -n 5
The task-force-meeting-notes-2026-final
risk-assessment-report-2026-q3-final
sk-estimator-selection-component
disk-usage-monitoring-of-all-hosts
hf_hub_download
from huggingface_hub import hf_hub_download
secret_manager_service_client
glpat-<token>
ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
AKIAIOSFODNN7EXAMPLE
sk-...
sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxx
eyJ...
xoxb-...
-----BEGIN CERTIFICATE-----
-----BEGIN PUBLIC KEY-----
ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC7 user@host
SGVsbG8sIHdvcmxkISBIb3cgYXJlIHlvdSB0b2RheT8=
VGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRoZSBsYXp5IGRvZw==
hello%20world%20and%20more
%E2%9C%93 passed
q=caf%C3%A9+au+lait&lang=fr
date +%Y-%m-%dT%H:%M:%S
printf "%5d %s\n" 42 token
100%25 done
a\u00e9b
{"type":"token","value":"identifier"}
{"kind":"password","label":"Password"}
{"name":"password","type":"string"}
["password","email","name"]
changed fields: password, email
import { token } from "./token.ts";
import secrets
from secrets import token_hex
return token;
throw new AuthError("token expired");
type Token = { kind: string; text: string };
enum TokenKind { Word, Number }
tokens.push(token)
for (const token of tokens) {
Token::new(kind)
password.length >= 12
passwordInput.value
tokenBucket.take(1)
// token: the one we hold
# password: see the vault
| password | text | no |
- [ ] rotate the API key
CSRF token: see docs
pass: 12, fail: 0
12 passed, 1 failed
passing: true
bypass=true
compass: north
`;

/** At least 220 harmless texts. */
export const HARMLESS: readonly string[] = [
  ...generated,
  ...written
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.replaceAll("\\$", "$")),
];
