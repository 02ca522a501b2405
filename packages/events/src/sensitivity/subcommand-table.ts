import type { PermissionLevel } from "./finding.ts";

/**
 * Programs whose subcommand decides. Keys are words of the command, options left out; the longest key that the command begins with decides, and
 * what no key meets has the level `other`.
 */
export interface SubcommandProgram {
  readonly other: PermissionLevel;
  readonly readonly: readonly string[];
  readonly write?: readonly string[];
  readonly admin?: readonly string[];
  /** Options before the subcommand that take the next word. */
  readonly valued: readonly string[];
  /** Options that raise the level of any subcommand. */
  readonly adminOptions?: readonly string[];
  readonly writeOptions?: readonly string[];
  /** Options whose value is a file that is read. */
  readonly files?: readonly string[];
  /** Options whose value is text of a person: messages, titles, bodies. */
  readonly texts?: readonly string[];
}

const words = (text: string): readonly string[] => text.split(",").map((entry) => entry.trim());

const NPM: SubcommandProgram = {
  other: "read-write",
  readonly: words(
    "ls,list,ll,la,view,info,show,outdated,search,whoami,ping,audit,config get,config list,explain,why,root,prefix,bin,help,fund,query,docs,doctor,licenses",
  ),
  write: words("audit fix"),
  admin: words("publish,unpublish,owner,access,token,deprecate,dist-tag add,login,adduser,team,org"),
  valued: ["--prefix", "-w", "--workspace", "-C", "--dir", "--filter", "--registry"],
  adminOptions: ["-g", "--global", "--location"],
};
const PIP: SubcommandProgram = {
  other: "read-write",
  readonly: words("list,show,freeze,check,search,index,config list,debug,inspect,help"),
  valued: ["--python"],
  adminOptions: ["--break-system-packages"],
  files: ["-r", "--requirement", "-c", "--constraint"],
};
const KUBECTL: SubcommandProgram = {
  other: "admin",
  readonly: words(
    "get,describe,logs,top,version,cluster-info,explain,api-resources,api-versions,config view,config get-contexts,config current-context,config get-clusters,auth can-i,auth whoami,diff,wait,rollout status,rollout history,events,kustomize,help,plugin list",
  ),
  write: words("port-forward,proxy,exec,cp,attach,config use-context,config set-context,run,rollout restart"),
  valued: [
    "-n",
    "--namespace",
    "--context",
    "--cluster",
    "--user",
    "--kubeconfig",
    "-l",
    "--selector",
    "-o",
    "--output",
    "-f",
    "--filename",
    "-c",
    "--container",
    "-s",
    "--server",
    "--token",
    "--tail",
    "--since",
    "-k",
  ],
  files: ["--kubeconfig", "-f", "--filename", "-k"],
};
const DOCKER: SubcommandProgram = {
  other: "read-write",
  readonly: words(
    "ps,images,inspect,logs,version,info,stats,top,port,history,diff,search,events,compose ps,compose logs,compose config,compose images,compose top,compose ls,compose version,container ls,container ps,container list,container inspect,container logs,container stats,container top,image ls,image list,image inspect,image history,volume ls,volume inspect,network ls,network inspect,context ls,context show,context inspect,system df,system info,buildx ls,buildx inspect,manifest inspect,node ls,service ls,service ps,service logs,stack ls,stack ps",
  ),
  admin: words("swarm,plugin,secret,node update,node rm,system prune"),
  valued: [
    "-H",
    "--host",
    "-c",
    "--context",
    "--config",
    "-l",
    "-f",
    "--file",
    "-p",
    "--project-name",
    "--profile",
    "--project-directory",
    "--env-file",
  ],
  adminOptions: ["--privileged", "--cap-add", "--security-opt", "--device"],
  files: ["-f", "--file", "--env-file"],
};
const SYSTEM_PACKAGES: SubcommandProgram = {
  other: "admin",
  readonly: words(
    "list,search,show,policy,info,depends,rdepends,madison,showpkg,check-update,repolist,provides,deplist,changelog,download,help,leaves,deps,uses,outdated,config,doctor,--prefix",
  ),
  valued: ["-o", "-t"],
};
const AWS_LIKE: SubcommandProgram = {
  other: "read-write",
  readonly: [],
  valued: [
    "--profile",
    "--region",
    "--output",
    "--query",
    "--endpoint-url",
    "--project",
    "--subscription",
    "--format",
    "--filters",
    "--filter",
  ],
};

export const SUBCOMMAND_PROGRAMS: Readonly<Record<string, SubcommandProgram>> = {
  git: {
    other: "read-write",
    readonly: words(
      "status,log,diff,show,blame,annotate,ls-files,ls-tree,ls-remote,rev-parse,rev-list,describe,shortlog,cat-file,grep,reflog,reflog show,branch,tag,remote,remote show,remote get-url,remote -v,stash list,stash show,config,config --get,config get,config list,name-rev,merge-base,for-each-ref,check-ignore,check-attr,whatchanged,count-objects,var,version,help,worktree list,submodule status,submodule summary,bisect log,notes show,notes list,range-diff,diff-tree,diff-index,diff-files,show-ref,show-branch,verify-commit,verify-tag,fsck,cherry,merge-tree,archive,lfs ls-files,symbolic-ref",
    ),
    write: words("reflog expire,reflog delete,remote add,remote remove,remote rm,remote rename,remote set-url,remote prune,remote update"),
    valued: ["-C", "-c", "--git-dir", "--work-tree", "--namespace", "--exec-path"],
    writeOptions: ["--output", "-o", "--ext-diff", "--open-files-in-pager", "-O"],
    texts: [
      "-m",
      "--message",
      "--author",
      "--date",
      "--format",
      "--pretty",
      "--grep",
      "-S",
      "-G",
      "--since",
      "--until",
      "--after",
      "--before",
    ],
    files: ["-F", "--file"],
  },
  gh: {
    other: "read-write",
    readonly: words(
      "pr list,pr view,pr status,pr diff,pr checks,issue list,issue view,issue status,run list,run view,run watch,release list,release view,repo list,repo view,workflow list,workflow view,gist list,gist view,label list,search,status,auth status,auth token,api,cache list,ruleset list,ruleset view,org list,project list,project view,secret list,variable list,variable get,help,alias list,extension list,config get,config list,browse,codespace list",
    ),
    admin: words(
      "repo delete,repo archive,repo edit,repo rename,secret set,secret delete,secret remove,variable set,variable delete,ssh-key add,ssh-key delete,gpg-key add,auth refresh,auth login,release delete,repo deploy-key",
    ),
    valued: ["-R", "--repo", "--hostname"],
    texts: [
      "-b",
      "--body",
      "-t",
      "--title",
      "-n",
      "--notes",
      "-q",
      "--jq",
      "-m",
      "--message",
      "-c",
      "--comment",
      "--template",
      "--search",
      "-S",
    ],
    files: ["-F", "--body-file", "--notes-file", "--input"],
  },
  npm: NPM,
  pnpm: NPM,
  yarn: { ...NPM, admin: words("global,publish,npm publish") },
  bun: { ...NPM, readonly: words("pm ls,outdated,info,why") },
  pip: PIP,
  pip3: PIP,
  uv: { ...PIP, readonly: words("pip list,pip show,pip freeze,pip check,pip tree,tree,version,python list,tool list,cache dir,help") },
  poetry: { ...PIP, readonly: words("show,check,version,env info,env list,config --list,about,search") },
  cargo: {
    other: "read-write",
    readonly: words("tree,metadata,search,version,help,locate-project,pkgid,verify-project,info"),
    admin: words("publish,yank,owner,login"),
    valued: ["--manifest-path", "-C"],
  },
  go: {
    other: "read-write",
    readonly: words("list,version,env,doc,vet,help,mod graph,mod why,mod verify"),
    write: words("env -w"),
    valued: ["-C"],
  },
  gem: { other: "admin", readonly: words("list,search,info,environment,which,contents,dependency,help,outdated"), valued: [] },
  docker: DOCKER,
  podman: DOCKER,
  nerdctl: DOCKER,
  "docker-compose": { ...DOCKER, readonly: words("ps,logs,config,images,top,ls,version") },
  kubectl: KUBECTL,
  oc: KUBECTL,
  k: KUBECTL,
  helm: {
    other: "admin",
    readonly: words("list,ls,status,get,template,show,search,lint,history,version,env,help,repo list,dependency list,verify"),
    write: words("repo add,repo update,pull,create,package,dependency update,dependency build"),
    valued: ["-n", "--namespace", "--kube-context", "--kubeconfig", "-f", "--values", "--set"],
    files: ["-f", "--values", "--kubeconfig"],
  },
  terraform: {
    other: "admin",
    readonly: words(
      "show,validate,version,providers,output,graph,state list,state show,plan,workspace list,workspace show,get,console,help",
    ),
    write: words("init,fmt,workspace select"),
    valued: ["-chdir"],
    writeOptions: ["-out"],
  },
  tofu: {
    other: "admin",
    readonly: words("show,validate,version,providers,output,graph,state list,state show,plan,workspace list,help"),
    write: words("init,fmt"),
    valued: [],
  },
  aws: AWS_LIKE,
  gcloud: AWS_LIKE,
  az: AWS_LIKE,
  doctl: AWS_LIKE,
  flyctl: AWS_LIKE,
  fly: AWS_LIKE,
  heroku: AWS_LIKE,
  systemctl: {
    other: "admin",
    readonly: words(
      "status,is-active,is-enabled,is-failed,list-units,list-unit-files,list-timers,list-sockets,list-dependencies,show,cat,help,get-default",
    ),
    write: [],
    valued: ["-t", "--type", "-p", "--property", "-n", "-o"],
  },
  service: { other: "admin", readonly: words("--status-all"), valued: [] },
  launchctl: { other: "admin", readonly: words("list,print,help,version"), valued: [] },
  apt: SYSTEM_PACKAGES,
  "apt-get": SYSTEM_PACKAGES,
  "apt-cache": SYSTEM_PACKAGES,
  yum: SYSTEM_PACKAGES,
  dnf: SYSTEM_PACKAGES,
  apk: SYSTEM_PACKAGES,
  zypper: SYSTEM_PACKAGES,
  brew: { ...SYSTEM_PACKAGES, other: "read-write" },
  snap: SYSTEM_PACKAGES,
  port: SYSTEM_PACKAGES,
  winget: SYSTEM_PACKAGES,
  choco: SYSTEM_PACKAGES,
  crontab: { other: "admin", readonly: words("-l"), valued: ["-u"] },
  ip: {
    other: "admin",
    readonly: words("addr,addr show,a,route,route show,r,link,link show,-br,neigh"),
    write: [],
    admin: words("addr add,addr del,link set,link add,link delete,route add,route del"),
    valued: [],
  },
  vault: {
    other: "read-write",
    readonly: words("read,list,status,kv get,kv list,version,token lookup,path-help"),
    admin: words("policy,auth,secrets,operator,token create,token revoke"),
    valued: ["-address", "-namespace"],
  },
};

/** Programs that always administer the machine. */
export const ADMIN_PROGRAMS: ReadonlySet<string> = new Set(
  (
    "mount umount fdisk parted gparted iptables ip6tables nft ufw firewall-cmd useradd userdel usermod adduser deluser groupadd groupdel groupmod passwd chpasswd visudo vipw reboot shutdown halt poweroff init telinit " +
    "insmod rmmod modprobe sysctl setcap chroot nsenter unshare dpkg rpm pacman update-alternatives update-rc.d hostnamectl timedatectl localectl swapon swapoff losetup cryptsetup lvm vgcreate lvcreate pvcreate wipefs " +
    "dscl dseditgroup csrutil spctl nvram bless diskutil setenforce semanage auditctl chsh at batch certbot sc reg bcdedit netsh"
  ).split(" "),
);
