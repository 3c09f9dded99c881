#!/bin/sh
# Each part includes only itself and the parts before it in this list (docs/architecture.md), and a library's
# header is seen only where its part is. usage: check_includes.sh SOURCE_DIR
set -eu
cd "${1:-$(dirname "$0")/..}"

find src include -name '*.[ch]' | sort | xargs awk '
BEGIN {
    n = split("base tensor kernels ops autograd linalg nn optim data io run figure lua cli", order, " ")
    for (i = 1; i <= n; i++) rank[order[i]] = i
    rank["op_list"] = rank["ops"]                       # the list belongs to the operations
    rank["module"] = rank["nn"]
    rank["marks"] = rank["mark_list"] = rank["knobs"] = rank["figure"]
    rank["transform"] = rank["fuse"] = rank["index"] = rank["autograd"]
    only["lua.h"] = only["lauxlib.h"] = only["lualib.h"] = "lua cli"
    only["SDL.h"] = only["SDL2/SDL.h"] = only["cairo.h"] = only["pango/pangocairo.h"] = "figure"
    only["editline/readline.h"] = only["histedit.h"] = "cli"
    only["cJSON.h"] = only["cjson/cJSON.h"] = "io run"
}
function part_of(path) {                                # src/ops/op.h, include/moonlab/ops.h, ops/op.h -> ops
    sub(/^src\//, "", path)
    sub(/^(include\/)?moonlab\//, "", path)
    sub(/\/.*|\.h$/, "", path)
    return path
}
function wrong(why) { printf "%s:%d: %s: %s\n", FILENAME, FNR, $0, why; bad = 1 }
/^[ \t]*#[ \t]*include/ {
    me = part_of(FILENAME)
    if (!(me in rank)) { if (me != "moonlab") wrong("unknown part " me); next }
    name = $0
    gsub(/^[^<"]*[<"]|[>"].*$/, "", name)
    if (name in only && index(" " only[name] " ", " " me " ") == 0)
        wrong("only for src/" only[name])
    if ($0 ~ /"/ && name ~ /\// && part_of(name) in rank && rank[part_of(name)] > rank[me])
        wrong(me " may not know " part_of(name))
}
END { exit bad }'
