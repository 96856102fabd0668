#!/bin/sh
# usage: test_configure.sh CMAKE GENERATOR COMPILER: what the build says where the reference BLAS is installed and
# OpenBLAS is not, or is in another build.
set -eu
cmake=$1 generator=$2 compiler=$3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# What pkg-config finds, but for OpenBLAS; and the reference library.
mkdir "$folder/pc"
for path in $(pkg-config --variable pc_path pkg-config | tr : ' '); do
    for file in "$path"/*.pc; do
        case ${file##*/} in
        *blas*.pc | '*.pc') ;;
        *) [ -e "$folder/pc/${file##*/}" ] || ln -s "$file" "$folder/pc/" ;;
        esac
    done
done
printf 'Name: blas\nDescription: the reference library\nVersion: 3\nLibs: -lm\n' >"$folder/pc/blas.pc"

configure() {   # configure OPTIONS...: what it said, blanks and line ends taken together
    rm -rf "$folder/build"
    env -u PKG_CONFIG_PATH PKG_CONFIG_LIBDIR="$folder/pc" "$cmake" -S . -B "$folder/build" -G "$generator" \
        -DCMAKE_C_COMPILER="$compiler" -DEMBLA_OPENBLAS_FOLDER=/nowhere -DEMBLA_TESTS=OFF -DEMBLA_ISA=base "$@" \
        2>&1 | tr -s ' \n' ' '
}

expect() {      # expect TEXT PART
    case $1 in
    *"$2"*) ;;
    *) echo "expected '$2' in: $1" >&2; exit 1 ;;
    esac
}

expect "$(configure)" "OpenBLAS was not found. On Debian: apt-get install libopenblas-openmp-dev."
expect "$(configure -DEMBLA_BLAS=any)" "Configuring done"
expect "$(configure -DEMBLA_BLAS=some)" "EMBLA_BLAS is openblas or any, not 'some'"

# OpenBLAS on plain threads: it says 1.
printf 'int openblas_get_parallel(void) { return 1; }\n' >"$folder/plain.c"
"$compiler" -shared -fPIC -o "$folder/libopenblas.so" "$folder/plain.c"
printf 'Name: openblas\nDescription: plain\nVersion: 0\nLibs: -L%s -lopenblas\n' "$folder" >"$folder/pc/openblas.pc"
expect "$(configure)" "but not its OpenMP build"
expect "$(configure)" "apt-get install libopenblas-openmp-dev"
expect "$(configure -DEMBLA_BLAS=any)" "Configuring done"
