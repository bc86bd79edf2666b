#!/usr/bin/env bash
# Completion works in a real bash and is read by zsh, and the manual page has no fault that mandoc knows.
set -euo pipefail
penstock=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export PENSTOCK_SERVER=127.0.0.1:1 SOURCE_DATE_EPOCH=0 XDG_CONFIG_HOME=$dir

fail() { echo "$*" >&2; exit 1; }

"$penstock" completion bash >"$dir/bash"
bash -n "$dir/bash"
"$penstock" completion zsh >"$dir/zsh"
zsh -n "$dir/zsh"

# What Tab makes of the words; the last one is being written.
completed() {
  bash -c 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _penstock; echo "${COMPREPLY[*]-}"' \
    - "$dir/bash" "$penstock" "$@"
}
[ "$(completed trig)" = trigger ] || fail "no verb is completed"
[ "$(completed trigger --wa)" = --wait ] || fail "no option is completed"
[ "$(completed get connectors -o '')" = "table json yaml name" ] || fail "no choice is completed"
[ "$(completed trigger '')" = "" ] || fail "names are known though nobody answers"

"$penstock" reference man >"$dir/penstock.1"
faults=$(mandoc -T lint -W warning "$dir/penstock.1" || true)
[ -z "$faults" ] || fail "$faults"
mandoc -T utf8 "$dir/penstock.1" | sed 's/.\x08//g' >"$dir/text"
grep -q "penstock trigger \[OPTIONS\] sync" "$dir/text" || fail "the manual does not show trigger: $(cat "$dir/text")"
