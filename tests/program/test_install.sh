#!/bin/sh
# usage: test_install.sh CMAKE BUILD LUA: installs under a fresh prefix and loads Embla there, from the program and
# from a stock lua5.4.
set -eu
cmake=$1 build=$2 lua=$3
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT

"$cmake" --install "$build" --prefix "$prefix" >/dev/null

expect() {   # expect WHAT GOT WANT
    if [ "$2" != "$3" ]; then
        echo "$1: got '$2', want '$3'" >&2
        exit 1
    fi
}

code='print((package.searchpath("embla.arguments.options", package.path)))'
cd /
expect "the program's scripts" "$("$prefix/bin/embla" -e "$code")" "$prefix/share/lua/5.4/embla/arguments/options.lua"

code='local embla = require "embla"; print(embla.ones(2) + 1)'
LUA_PATH="$prefix/share/lua/5.4/?.lua;$prefix/share/lua/5.4/?/init.lua"
LUA_CPATH="$prefix/lib/lua/5.4/?.so"
export LUA_PATH LUA_CPATH
expect "a stock lua" "$("$lua" -e "$code")" "tensor([2., 2.])"
# The state closes while threads are still awake.
busy='local embla = require "embla"; embla.set_num_threads(2); local _ = embla.ones(3000000) + 1'
env -u OMP_WAIT_POLICY "$lua" -e "$busy" || expect "how a stock lua ends after work on two threads" $? 0
unset LUA_PATH LUA_CPATH
expect "the program" "$("$prefix/bin/embla" -e "$code")" "tensor([2., 2.])"
