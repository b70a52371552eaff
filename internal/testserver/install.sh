#!/bin/sh
# Installs what the tests' servers need and this machine lacks: Debian packages when that is
# possible without asking (root, or sudo without a password), and the Node modules.
#
# On stdout: the names of what is still missing, comma-separated, for EXEUNT_WITHOUT; nothing else.
# Debian may start its own slapd or postgresql after the installation. The tests neither use nor
# disturb those: each server of theirs has a folder and ports of its own.
set -u
here=$(cd "$(dirname "$0")" && pwd)
PATH=$PATH:/usr/sbin:/sbin
export PATH

say() { echo "install.sh: $*" >&2; }
has() { command -v "$1" >/dev/null 2>&1; }
has_postgres() { has postgres || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1; }
has_browser() { has chromium || has chromium-browser || has google-chrome || has google-chrome-stable; }
can_seal() { # files that nobody changes: not in every container
  probe=$(mktemp) && chattr +i "$probe" 2>/dev/null && chattr -i "$probe"
  sealed=$?
  rm -f "$probe"
  return $sealed
}
has_modules() { [ -e "$here/node/node_modules/.package-lock.json" ]; }
# A domain controller needs the provisioning data beside the daemon, and root for its ports.
has_samba() { has samba && has samba-tool && [ -e /usr/share/samba/setup/provision.ldif ]; }

packages=
want() { packages="$packages $*"; }
has cc || has gcc || want gcc libc6-dev # the race detector needs a C compiler
{ has slapd && has ldapsearch; } || want slapd ldap-utils
has_samba || want samba samba-ad-provision samba-dsdb-modules samba-vfs-modules winbind
has_postgres || want postgresql
has_browser || want chromium
{ has node && has npm; } || want nodejs npm
has openssl || want openssl ca-certificates
has pdftotext || want poppler-utils # to read our PDFs back
has glewlwyd || want glewlwyd # a single sign-on
has python3 || want python3 # runs the verifier for auditors, docs/verify
has systemd-analyze || want systemd # to read our units; nothing of it has to run
has chattr || want e2fsprogs

as_root=
if [ "$(id -u)" -ne 0 ] && has sudo && sudo -n true 2>/dev/null; then as_root="sudo -n"; fi
if [ -n "$packages" ]; then
  if has apt-get && { [ "$(id -u)" -eq 0 ] || [ -n "$as_root" ]; }; then
    say "installing:$packages"
    $as_root apt-get update -qq >&2 || say "apt-get update failed"
    for package in $packages; do # one by one: a name that this release lacks must not stop the others
      $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "$package" >&2 || say "could not install $package"
    done
  else
    say "not installed, since this needs apt-get and root:$packages"
  fi
fi

if has npm; then
  # Installed anew only when the lock file is newer than what is there.
  if ! has_modules || [ "$here/node/package-lock.json" -nt "$here/node/node_modules/.package-lock.json" ]; then
    say "installing the Node modules"
    (cd "$here/node" && npm ci --ignore-scripts --no-audit --no-fund >&2 && touch node_modules/.package-lock.json) ||
      say "npm ci failed"
  fi
fi

# Servers that are Go modules, each of a pinned version, built into a folder of their own so that go.mod does not have them.
has_built() { [ -x "$here/bin/$1" ] || has "$1"; }
build() { # program module@version
  has_built "$1" && return
  say "building $1"
  (cd / && GOBIN="$here/bin" go install "$2" >&2) || say "could not build $1"
}
build litewitness filippo.io/torchwood/cmd/litewitness@v0.9.0

# A module of ours around another's server, built anew when it is newer than what is there; without optimising, which
# halves the time.
has_store() { [ -x "$here/bin/s3server" ]; }
if ! has_store || [ "$here/s3/main.go" -nt "$here/bin/s3server" ] || [ "$here/s3/go.mod" -nt "$here/bin/s3server" ]; then
  say "building s3server, which takes a minute"
  (cd "$here/s3" && go build -gcflags='all=-N -l' -ldflags='-s -w' -o "$here/bin/s3server" . >&2) || say "could not build s3server"
fi

missing=
lack() { missing="$missing${missing:+,}$1"; say "still missing: $1${2:+ ($2)}"; }
{ has cc || has gcc; } || lack cc "a C compiler, for the race detector"
has slapd || lack slapd
has_samba && [ "$(id -u)" -eq 0 ] || lack samba "a domain controller must be run as root"
has_postgres || lack postgresql
has systemd-analyze || lack systemd-analyze
can_seal || lack immutable "files that nobody changes: root, and CAP_LINUX_IMMUTABLE"
has pdftotext || lack pdftotext
has glewlwyd || lack glewlwyd
has python3 || lack python3
has openssl || lack openssl
has_browser || lack chromium
has_built litewitness || lack litewitness
has_store || lack s3server
{ has node || has nodejs; } || lack node
has_modules || lack node_modules
echo "$missing"
