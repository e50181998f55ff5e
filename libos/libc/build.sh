#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Build newlib for guests into the cache, once for a version and its flags, and
# print the directory: include/, lib/libc.a, lib/libm.a. The source is Debian's
# package newlib-source, or what DENALI_NEWLIB names (its tar file).

set -eu

VERSION=3.3.0
SHA256=c6f3a88b9d93420904241b231ca8647303be3bfb3cfef6adc8d1ea9207291033
TARBALL=${DENALI_NEWLIB:-/usr/src/newlib/newlib-$VERSION.tar.xz}
CACHE=${DENALI_CACHE:-$HOME/.cache/denali}

# No SSE: interrupt handlers call memcpy() and its like, and an upcall doesn't save the FPU.
CFLAGS="-m32 -march=i686 -O2 -g0 -w -ffreestanding -fno-pic -fno-pie -fno-stack-protector -fcf-protection=none
 -fno-asynchronous-unwind-tables -fomit-frame-pointer -ffunction-sections -fdata-sections
 -U__linux__ -U__linux -Ulinux -U__gnu_linux__ -U__unix__ -U__unix -Uunix
 -D__DYNAMIC_REENT__ -DMISSING_SYSCALL_NAMES -DHAVE_BLKSIZE"
# What the libos has of its own; the linker must not find these first.
REPLACED="lib_a-abort.o lib_a-assert.o lib_a-getreent.o lib_a-lock.o"
# Streams are global: a FILE a thread would mean that threads don't share a stdout.
CONFIG="--disable-multilib --disable-libgloss --disable-nls --disable-shared --disable-newlib-supplied-syscalls
 --enable-newlib-retargetable-locking --enable-newlib-multithread --enable-newlib-global-stdio-streams
 --enable-newlib-io-long-long --enable-newlib-io-c99-formats --disable-newlib-wide-orient"

die() { echo "libc/build.sh: $*" >&2; exit 1; }

[ -f "$TARBALL" ] || die "$TARBALL: not there; install the Debian package newlib-source, or set DENALI_NEWLIB to the tar file of newlib $VERSION"
sum=$(sha256sum "$TARBALL" | cut -d' ' -f1)
[ "$sum" = "$SHA256" ] || die "$TARBALL: SHA-256 is $sum, not that of newlib $VERSION as Debian has it, $SHA256"

CC=${CC:-gcc}
key=$(printf '%s\n' "$sum" "$CFLAGS" "$CONFIG" "$REPLACED" "$("$CC" -dumpfullversion)" | sha256sum | cut -c1-16)
dir=$CACHE/newlib-$VERSION-$key
mkdir -p "$CACHE"
exec 9>"$CACHE/newlib.lock"
flock 9
if [ ! -f "$dir/lib/libc.a" ]; then
	work=$(mktemp -d "$CACHE/newlib-build.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	echo "libc/build.sh: building newlib $VERSION, a minute or so; log: $CACHE/newlib-build.log" >&2
	mkdir "$work/source" "$work/build"
	tar -xf "$TARBALL" -C "$work/source" --strip-components=1
	(
		cd "$work/build"
		CFLAGS=$(printf %s "$CFLAGS" | tr "\n" " ")
		export CC_FOR_TARGET="$CC" AR_FOR_TARGET=ar RANLIB_FOR_TARGET=ranlib AS_FOR_TARGET="as --32" \
			LD_FOR_TARGET=ld NM_FOR_TARGET=nm CFLAGS_FOR_TARGET="$CFLAGS" CCASFLAGS_FOR_TARGET="$CFLAGS"
		unset CFLAGS MAKEFLAGS MFLAGS
		# shellcheck disable=SC2086 # a list of words
		../source/configure --target=i686-unknown-elf --prefix="$work/install" $CONFIG
		make -j"$(nproc)" all-target-newlib
		make install-target-newlib
		# shellcheck disable=SC2086 # a list of words
		ar d "$work/install/i686-unknown-elf/lib/libc.a" $REPLACED
	) >"$CACHE/newlib-build.log" 2>&1 9>&- || die "newlib doesn't build; see $CACHE/newlib-build.log"
	rm -rf "$dir"
	mv "$work/install/i686-unknown-elf" "$dir"
fi
echo "$dir"
