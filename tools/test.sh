#!/bin/sh
# Runs every test once: the core under the race detector, the rest without it, which is a good deal
# faster. Installs what is missing where it may; what stays missing is said first and last, and is a
# failure where CI=true. That the generated pages and schemas are current is among the tests.
set -u
cd "$(dirname "$0")/.."

missing=$(sh internal/testserver/install.sh)
export EXEUNT_WITHOUT="$missing"
if [ -n "$missing" ] && [ "${CI:-}" = true ]; then
  echo "test.sh: MISSING: $missing. With CI=true nothing is left out." >&2
  exit 1
fi

race=-race
case ",$missing," in *,cc,*) race= ;; esac # the race detector needs a C compiler

core=". ./internal/engine/... ./internal/store/... ./internal/ledger/..."
# shellcheck disable=SC2086 # the patterns are words
core=$(go list $core) && all=$(go list ./...) || exit 1
rest=$(echo "$all" | grep -vxF "$core")

failed=0
echo "go vet ./..."
go vet ./... || failed=1
echo "go test $race: the core"
# shellcheck disable=SC2086
go test $race -timeout 15m $core || failed=1
echo "go test: the rest"
# shellcheck disable=SC2086
go test -timeout 20m $rest || failed=1

if [ -n "$missing" ]; then
  echo "test.sh: NOT TESTED, since this machine lacks it: $missing" >&2
fi
exit $failed
