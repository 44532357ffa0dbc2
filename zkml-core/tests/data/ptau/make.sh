#!/usr/bin/env bash
# usage: zkml-core/tests/data/ptau/make.sh
# Makes the files of this directory anew with npm's snarkjs: a powers-of-tau file of power 4, as
# contributed to and as prepared for phase 2, and its points as snarkjs's libraries read them. The
# contribution draws randomness, so each run gives another secret.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent snarkjs@0.7.6
snarkjs() { node node_modules/snarkjs/build/cli.cjs powersoftau "$@" > /dev/null; }
snarkjs new bn128 4 new.ptau
snarkjs contribute new.ptau power4.ptau --name=zkml-test -e=zkml
snarkjs prepare phase2 power4.ptau power4-prepared.ptau
cp "$here/export.js" .
node export.js power4-prepared.ptau > expected.json
cp power4.ptau power4-prepared.ptau expected.json "$here"
