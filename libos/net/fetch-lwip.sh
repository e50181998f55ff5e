#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Puts lwIP's sources into the cache and prints the directory that holds them.
#
# lwIP isn't part of this tree: it comes from Debian's source package "lwip",
# by way of a private apt state that leaves the machine's own set-up alone.
# Where there is no apt, set LWIP_SRC to an unpacked lwIP 2.1.3.
set -eu

version=2.1.3
sha256=0a8276d09fc4e97bbba2f953d74af2388fc2195ea156be9d7589e297a68fde24
cache=${DENALI_CACHE:-$HOME/.cache/denali}
src=$cache/lwip-$version

if [ -n "${LWIP_SRC:-}" ]; then
	[ -f "$LWIP_SRC/src/core/tcp.c" ] || {
		echo "fetch-lwip: LWIP_SRC=$LWIP_SRC holds no src/core/tcp.c: name the top of an unpacked lwIP $version" >&2
		exit 1
	}
	echo "$LWIP_SRC"
	exit 0
fi

if [ -f "$src/.complete" ]; then
	echo "$src"
	exit 0
fi

mkdir -p "$cache"
work=$(mktemp -d "$cache/lwip.XXXXXX")
trap 'rm -rf "$work"' EXIT

orig=lwip_$version+dfsg1.orig.tar.xz
tarball=$cache/$orig
if ! [ -f "$tarball" ]; then
	command -v apt-get >/dev/null || {
		echo "fetch-lwip: no apt-get here: unpack lwIP $version and set LWIP_SRC to its directory" >&2
		exit 1
	}
	mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/parts"
	for f in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
		case $f in
		*.sources) [ -f "$f" ] && grep -q '[dD]ebian' "$f" &&
			sed 's/^Types:.*/Types: deb-src/' "$f" >"$work/parts/${f##*/}" ;;
		*.list) [ -f "$f" ] && grep '^deb .*[dD]ebian' "$f" |
			sed 's/^deb /deb-src /' >"$work/parts/${f##*/}" ;;
		esac || :
	done
	apt() {
		apt-get -q -o Dir::State::Lists="$work/lists" -o Dir::Etc::SourceList=/dev/null \
			-o Dir::Etc::SourceParts="$work/parts" -o Dir::Cache="$work/cache" \
			-o APT::Sandbox::User=root "$@"
	}
	apt update >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
	(cd "$work" && apt source --download-only lwip) >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
	[ -f "$work/$orig" ] || {
		echo "fetch-lwip: the package source has no $orig: unpack lwIP $version and set LWIP_SRC to its directory" >&2
		exit 1
	}
	mv "$work/$orig" "$tarball"
fi

echo "$sha256  $tarball" | sha256sum --check --status || {
	echo "fetch-lwip: $tarball isn't the expected file: remove it to fetch it again" >&2
	exit 1
}
mkdir "$work/tree"
tar -xf "$tarball" -C "$work/tree" --strip-components=1
touch "$work/tree/.complete"
rm -rf "$src"
mv "$work/tree" "$src"
echo "$src"
