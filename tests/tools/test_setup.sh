#!/usr/bin/env bash
# script/setup on systems where it cannot install: says what is missing and how to get it, exits 1, and
# changes nothing. The system is made up by programs that come first in PATH.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/bin" "$work/tree"
cp -r "$SAC_SOURCE_DIR/script" "$work/tree/"

fake() { # fake NAME COMMANDS: a program that does COMMANDS
  printf '#!/bin/sh\n%s\n' "$2" >"$work/bin/$1"
  chmod +x "$work/bin/$1"
}
refuses() { # refuses WHAT: setup exits 1 and names the packages
  local status=0
  PATH=$work/bin:$PATH "$work/tree/script/setup" >"$work/out" 2>&1 || status=$?
  sed 's/^/    /' "$work/out"
  [ "$status" -eq 1 ] || { echo "$1: exit $status, not 1"; exit 1; }
  grep -q 'apt-get install .*cmake' "$work/out" || { echo "$1: does not say how to get cmake"; exit 1; }
  if grep -q INSTALLED "$work/out"; then
    echo "$1: it called a program that it must not"
    exit 1
  fi
}

fake cmake 'exit 127'
fake apt-get 'echo INSTALLED'

echo "an ordinary user without sudo:"
fake id 'echo 1000'
fake sudo 'exit 1'
refuses "without sudo"

echo "root, no network:"
fake id 'echo 0'
fake apt-get 'exit 100'
refuses "without network"

echo "root, a cmake that is too old:"
fake cmake 'echo cmake version 3.18.4'
refuses "old cmake"

echo "another system, with no apt-get at all:"
rm "$work/bin/apt-get"
mkdir "$work/all"
IFS=: read -ra folders <<<"$PATH"
for folder in "${folders[@]}"; do
  ln -s -t "$work/all" "$folder"/* 2>/dev/null || true # the first of a name stays
done
rm -f "$work/all/apt-get" "$work/all/cmake"
# shellcheck disable=SC2123 # it is meant
PATH=$work/all
refuses "another system"

[ ! -e "$work/tree/.deps" ] || { echo "setup went on"; exit 1; }
if "$work/tree/script/setup" nonsense 2>/dev/null; then
  echo "an unknown group is accepted"
  exit 1
fi
