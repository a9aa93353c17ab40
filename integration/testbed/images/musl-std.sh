#!/bin/sh
# Compiles Rust's standard library for one musl target:
#
#   musl-std TRIPLE GNU-MULTIARCH MUSL-MULTIARCH GCC LIBUNWIND-ROOT DIST
#
# The result below DIST/TRIPLE is laid out as rustup's: rlibs, and beside them
# in self-contained/ the C runtime that rustc links into static programs.
set -eu
triple=$1 gnu=$2 musl=$3 gcc=$4 unwind=$5 dist=$6

src=$(echo /usr/src/rustc-*)
work=$(mktemp -d)
cd "$work"
mkdir .cargo src
echo '#![no_std]' > src/lib.rs
cat > Cargo.toml <<EOF
[package]
name = "seed"
version = "0.0.0"
edition = "2021"
EOF
cat > .cargo/config.toml <<EOF
[source.crates-io]
replace-with = "vendored"
[source.vendored]
directory = "$src/library/vendor"
EOF
# As in a release of Rust, the library has the bitcode that LTO wants, and one
# crate of it is compiled for programs that abort.
cat > rustc <<'EOF'
#!/bin/sh
case " $* " in
*" --crate-name panic_abort "*) exec "$@" -C embed-bitcode=yes -C panic=abort ;;
*" --crate-name "*) exec "$@" -C embed-bitcode=yes ;;
esac
exec "$@"
EOF
chmod +x rustc
# build-std is unstable; a distribution's stable compiler allows it when asked.
RUSTC_WRAPPER=$work/rustc RUSTC_BOOTSTRAP=1 cargo build --release --offline \
    -Zbuild-std=std,panic_unwind,panic_abort,proc_macro -Zbuild-std-features=backtrace --target "$triple"

lib=$dist/$triple/lib
mkdir -p "$lib/self-contained"
cp "target/$triple/release/deps/"*.rlib "$lib/"
rm -f "$lib"/libseed-*

cd "$lib/self-contained"
for f in crt1.o crti.o crtn.o rcrt1.o Scrt1.o libc.a; do
    cp "/usr/lib/$musl/$f" .
done
for f in crtbegin.o crtbeginS.o crtbeginT.o crtend.o crtendS.o; do
    cp "$("$gcc" -print-file-name=$f)" .
done
# gcc's own libgcc_eh.a asks glibc for _dl_find_object; LLVM's unwinder does
# not, but Debian built it with fortified printf, which musl does not have.
cp "$(find "$unwind" -type f -name libunwind.a)" libunwind.a
cat > "$work/chk.c" <<EOF
#include <stdarg.h>
#include <stdio.h>
int __fprintf_chk(FILE *f, int flag, const char *fmt, ...) {
    va_list ap;
    (void)flag;
    va_start(ap, fmt);
    int n = vfprintf(f, fmt, ap);
    va_end(ap);
    return n;
}
EOF
"$gcc" -O2 -fPIC -U_FORTIFY_SOURCE -c "$work/chk.c" -o "$work/chk.o"
# A release of Rust has compiler-rt's counterparts of these in its own library;
# rustc links neither that nor libgcc for musl.
cd "$work"
ar x "$("$gcc" -print-libgcc-file-name)" _popcountdi2.o _popcountsi2.o _popcount_tab.o
cd "$lib/self-contained"
ar r libunwind.a "$work/chk.o" "$work"/_popcount*.o
rm -rf "$work"
