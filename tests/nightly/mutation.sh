#!/bin/sh
# Would the tests notice a wrong derivative? See tests/mutation/derivatives.lua.
set -eu
program=$1
exec lua5.4 tests/mutation/derivatives.lua "${program%/bin/moonlab}"
