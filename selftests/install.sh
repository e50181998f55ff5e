#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# "make install", what the README does next, and "make uninstall", on the paths of a
# real installation. The root file system is an overlay of this test's own over
# the machine's: its upper half is the list of all that was written.
#
# It takes some minutes, nearly all of them make's, so it has a machine of its own (boots).
# /lib/modules holds only what the module stands on: depmod reads every module that is
# there, some 400 MB over 9p, which takes this machine minutes.

# shellcheck source=selftests/shlib.sh
. "$(dirname "$0")/shlib.sh"

[ -n "${DENALI_TEST_INSTALL:-}" ] || skip_all "takes minutes; the boot install has it (DENALI_TEST_INSTALL=1)"
tree=${DENALI_TREE:-}
[ -n "$tree" ] && [ -r "$tree/.kdir" ] || skip_all "there is no tree to install from"
# What it was built for, so that nothing is built anew.
read -r kdir kver <"$tree/.kdir"
[ "$kver" = "$(uname -r)" ] || skip_all "the tree is built for $kver, this is $(uname -r)"

for link in br0 tap0; do
	! ip link show $link >/dev/null 2>&1 || skip_all "there is an interface $link, which this test makes"
done

# The mounts go with the namespace.
if [ -z "${DENALI_INSTALL_NS:-}" ]; then
	DENALI_INSTALL_NS=1 exec unshare --mount --propagation private "$0"
fi

tmp=$(mktemp -d)
root=$tmp/root
modules=$root/lib/modules/$kver
cleanup()
{
	denalictl destroy web >/dev/null 2>&1
	ip link del br0 2>/dev/null
	denali_unload
	umount -R "$root" 2>/dev/null
	umount "$tmp"
	rmdir "$tmp"
	denali_load
}
trap cleanup EXIT
exec 3>&1

modules_copy()
{
	local name file

	for name in tun bridge; do
		modprobe -S "$kver" --show-depends "$name" | sed -n 's/^insmod \([^ ]*\).*/\1/p'
	done | while read -r file; do
		file=${file#*/lib/modules/"$kver"/}
		install -D -m 644 "/lib/modules/$kver/$file" "$modules/$file" || return
	done
	cp /lib/modules/"$kver"/modules.{order,builtin,builtin.modinfo} "$modules/" &&
		ln -s "$(readlink -f "/lib/modules/$kver/build")" "$modules/build" &&
		depmod -b "$root" "$kver"
}

root_make()
{
	local d

	mount -t tmpfs tmpfs "$tmp" && mkdir "$tmp/upper" "$tmp/work" "$root" &&
	mount -t overlay -o "lowerdir=/,upperdir=$tmp/upper,workdir=$tmp/work" overlay "$root" || return
	for d in /dev /proc /sys /run "$tree"; do
		mount --rbind "$d" "$root$d" || return
	done
	mount -t tmpfs tmpfs "$root/tmp" && mkdir -p "$modules" && mount -t tmpfs tmpfs "$modules" && modules_copy
}

# As root would, in a login shell of that machine: nothing of the tree is in its paths.
installed()
{
	chroot "$root" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

# The tree's own make. Everything was built before ("make && make install"), and to find
# that out again takes this machine minutes: the targets "all" count as done, here and below.
tree_make()
{
	local start=$SECONDS

	installed DENALI_CACHE="${DENALI_CACHE:-${HOME:-/root}/.cache/denali}" \
		make -o all "MAKE=make -o all" -C "$tree" "KDIR=$kdir" "KVER=$kver" "$@" >"$tmp/make" 2>&1 ||
		{ tail -n 30 "$tmp/make"; return 1; }
	echo "# make $*: $((SECONDS - start)) s" >&3
}

# Every file below the modules' directory with its sum, and what else was written; the group stays on
# purpose, and the linker's cache is rewritten without what is gone.
written()
{
	(cd "$modules" && find . -type f -exec cksum {} + ; find . ! -type f) | sort
	(cd "$tmp/upper" && find . ! -type d ! -path './etc/group*' ! -path './etc/gshadow*' ! -path './etc/.pwd.lock' \
		! -path ./etc/ld.so.cache ! -path './var/cache/ldconfig/*'
	 find . -type d | while read -r d; do [ -d "/$d" ] || echo "$d"; done) | sort
}

files_there()
{
	local f

	for f in /usr/bin/denalictl /usr/bin/denali-cc /usr/lib/denali/guests/{hello,echo,httpd} \
		/usr/lib/denali/libos/denali.ld /usr/include/linux/denali.h /usr/include/denali/hypercall.h \
		/usr/include/denali.h /usr/lib/udev/rules.d/60-denali.rules /usr/share/man/man8/denalictl.8 \
		/usr/share/man/man1/denali-cc.1 /usr/share/bash-completion/completions/denalictl; do
		[ -s "$root$f" ] || { echo "$f is not there"; return 1; }
	done
	installed getent group denali || { echo "no group denali"; return 1; }
	installed modinfo -k "$kver" -F filename denali | grep "/lib/modules/$kver/updates/" || return
	installed ldconfig -p | grep -q libdenali.so.1 || { echo "the linker doesn't know libdenali.so.1"; return 1; }
}

module_loads()
{
	installed modprobe denali || return
	[ -c /dev/denali ] && [ -d /sys/module/tun ] || { echo "no /dev/denali, or no tun"; return 1; }
	installed denalictl check
}

answers()
{
	installed curl -fsS -m 10 -o /tmp/page http://10.0.0.2/
}

web_server()
{
	ip link add br0 type bridge && ip addr add 10.0.0.1/24 dev br0 && ip link set br0 up || return
	installed denalictl run /usr/lib/denali/guests/httpd nic tap0 bridge br0 name web \
		args ip=10.0.0.2/24 gw=10.0.0.1 >"$tmp/web" 2>&1 </dev/null &
	wait_for answers || { cat "$tmp/web"; return 1; }
	grep -qi '<html' "$root/tmp/page" || { cat "$root/tmp/page"; return 1; }
	installed denalictl destroy web && wait && ip link del br0
}

own_guest()
{
	cat >"$root/tmp/own.c" <<-'END'
	#include <stdio.h>
	int main(void) { puts("a guest of my own"); return 7; }
	END
	installed denali-cc -o /tmp/own /tmp/own.c || return
	installed denalictl run /tmp/own >"$tmp/own"
	[ $? = 7 ] && grep -qx "a guest of my own" "$tmp/own" || { cat "$tmp/own"; return 1; }
}

own_program()
{
	cat >"$root/tmp/prog.c" <<-'END'
	#include <denali.h>
	#include <linux/denali.h>
	#include <stdio.h>
	int main(void) { puts(DENALI_DEVICE); return 0; }
	END
	installed sh -c 'gcc -o /tmp/prog /tmp/prog.c $(pkg-config --cflags --libs libdenali) && /tmp/prog' | grep -qx /dev/denali
}

nothing_left()
{
	written >"$tmp/after"
	diff "$tmp/before" "$tmp/after"
}

denali_unload || { echo "Bail out! the module can't be unloaded"; exit 1; }
root_make || { echo "Bail out! no root file system to install on"; exit 1; }
written >"$tmp/before"
plan 9
check "make install" tree_make install
check "all of it is there" files_there
check "modprobe denali, denalictl check" module_loads
check "a web server on a bridge, from the installed files" web_server
check "denali-cc makes a guest that runs" own_guest
check "a program finds libdenali by pkg-config" own_program
check "modprobe -r denali" installed modprobe -r denali
check "make uninstall" tree_make uninstall
check "nothing is left" nothing_left
finish
