#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Puts kselftest.h and kselftest_harness.h into the directory $1, taken from
# Debian's linux-source-6.1: from /usr/src where the package is installed, else
# from the package file, which is thrown away afterwards. The harness is the
# kernel's own and is not copied into this tree.
set -eu

dest=$1
pkg=linux-source-6.1
files="kselftest.h kselftest_harness.h"

for f in $files; do
	[ -s "$dest/$f" ] || missing=1
done
[ "${missing:-0}" = 1 ] || exit 0

mkdir -p "$dest"
tmp=$(mktemp -d "$dest/fetch.XXXXXX")
trap 'rm -rf "$tmp"' EXIT

tarball=/usr/src/$pkg.tar.xz
if [ ! -r "$tarball" ]; then
	echo "selftests: fetching $pkg for kselftest_harness.h (once)" >&2
	chmod 755 "$tmp"
	(cd "$tmp" && apt-get -q -o APT::Sandbox::User=root download "$pkg" >&2) || {
		echo "selftests: cannot download $pkg; install it, or put $files into $dest" >&2
		exit 1
	}
	dpkg-deb --fsys-tarfile "$tmp"/"$pkg"_*.deb |
		tar -xf - -C "$tmp" --wildcards '*.tar.xz' --transform 's,.*/,,'
	tarball=$tmp/$pkg.tar.xz
fi

for f in $files; do
	set -- "$@" "$pkg/tools/testing/selftests/$f"
done
shift
tar -xJf "$tarball" -C "$tmp" --strip-components=4 "$@"
for f in $files; do
	mv "$tmp/$f" "$dest/$f"
done
