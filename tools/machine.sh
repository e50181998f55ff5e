# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What test machines share, whichever emulator they run in: which kernel, which of
# its modules, how the command gets in, and the verdict on how the machine ended.
# Sourced by tools/vm and tools/bochs, not run; uses their variables me, tools,
# cache, work, kernel, log and timeout.

EX_TIMEOUT=124
EX_MACHINE=125

die()
{
	echo "$me: $*" >&2
	exit $EX_MACHINE
}

need()
{
	[ $# -ge 2 ] || die "$1 wants a value; see $me --help"
}

# machine_needs PROGRAM:PACKAGE...
machine_needs()
{
	local tool

	for tool in "$@"; do
		PATH=$PATH:/usr/sbin:/sbin command -v "${tool%:*}" >/dev/null ||
			die "${tool%:*} is missing: install the package ${tool#*:}, or run tools/deps"
	done
}

# Prints the newest /boot/vmlinuz-VERSION* below the given roots.
newest_image()
{
	local version=$1 root
	shift
	for root in "$@"; do
		find "$root/boot" -maxdepth 1 -name "vmlinuz-$version*" 2>/dev/null
	done | awk -F/vmlinuz- '{ print $2 "\t" $0 }' | sort -V | tail -n 1 | cut -f 2
}

# From $kernel, as the options say it: image, version, modroot and modules.
machine_kernel()
{
	case $kernel in
	'')	image=$(newest_image '' '') ;;
	*/*)	image=$kernel ;;
	debug)	image=$(newest_image '' "$cache/debug-kernel/root") ;;
	rt)	image=$(newest_image '*-rt-' "$cache/kernel/rt") ;;
	*)	image=$(newest_image "$kernel" '')
		[ -n "$image" ] || image=$(newest_image "$kernel" "$cache"/kernel/[0-9]*) ;;
	esac
	if [ -z "$image" ]; then
		case $kernel in
		'')	die "no kernel in /boot: install linux-image-amd64, or run tools/deps" ;;
		debug)	die "kernel debug: not built yet; run tools/debug-kernel" ;;
		*)	die "kernel $kernel: not in /boot and not fetched; try tools/kernel $kernel" ;;
		esac
	fi
	[ -r "$image" ] || die "kernel image $image: cannot be read"
	image=$(realpath "$image")
	case $image in
	*/vmlinuz-*)	version=${image##*/vmlinuz-} ;;
	*)		version=$(file -bL "$image" | sed -n 's/.*version \([^ ]*\).*/\1/p') ;;
	esac
	modroot=${image%/*}
	modroot=${modroot%/boot}
	[ -d "$modroot/lib/modules/$version" ] || modroot=
	modules=$modroot/lib/modules/$version
}

# machine_modules DIR NAME...: puts modules in DIR, unpacked, with all that they
# need, and names in the order in which they are to be loaded.
machine_modules()
{
	local dir=$1 name file n=10

	shift
	[ -d "$modules" ] || return 0
	for name in "$@"; do
		PATH=$PATH:/usr/sbin:/sbin modprobe -d "$modroot/" -S "$version" \
			--ignore-install --show-depends "$name" 2>/dev/null |
			sed -n 's/^insmod \([^ ]*\).*/\1/p'
	done | awk '!seen[$0]++' | while read -r file; do
		name=$n-${file##*/}
		case $file in
		*.xz)	xz -dc "$file" >"$dir/${name%.xz}" ;;
		*.zst)	zstd -qdc "$file" >"$dir/${name%.zst}" ;;
		*)	cp "$file" "$dir/$name" ;;
		esac
		n=$((n + 1))
	done
}

# machine_command ASSIGNMENTS COMMAND...: prints a script that runs the command as if
# here: in this directory, with the variables that are passed and the assignments.
machine_command()
{
	local name assignments=$1

	shift
	for name in "${!DENALI_@}"; do
		printf 'export %s=%q\n' "$name" "${!name}"
	done
	for name in TERM LANG LC_ALL USER; do
		[ -z "${!name:-}" ] || printf 'export %s=%q\n' "$name" "${!name}"
	done
	echo "export HOME=/root DENALI_VM=1 $assignments"
	for name in "${envs[@]}"; do
		printf 'export %q\n' "$name"
	done
	printf 'cd %q || exit\nexec' "$(pwd -P)"
	printf ' %q' "$@"
	echo
}

# machine_initramfs: $work/root as an archive.
machine_initramfs()
{
	(cd "$work/root" && find . | cpio -o -H newc --quiet -R 0:0) >"$work/initramfs" ||
		die "cannot make the initramfs in $work"
}

# --- the verdict --------------------------------------------------------------

# Shows the lines that it reads, marked as the machine's.
quote()
{
	sed "s/^/# $me: /" >&2
}

bad='BUG: |kernel BUG at|BUG [a-z0-9_-]+ \(|WARNING: |Oops[: ]|Kernel panic|general protection fault'
bad+='|soft lockup|hard LOCKUP|rcu.*(stall|starved)|blocked for more than|refcount_t:|UBSAN:'
bad+='|possible (recursive|circular|irq|deadlock)|inconsistent lock state|list_(add|del) corruption'
bad+='|Bad page (state|map)|scheduling while atomic|sleeping function called|double fault|stack guard page'
bad+='|new suspected memory leaks|unregister_netdevice: waiting|Call Trace:|unable to handle'
# What some CPU models of the emulators lack: microcode.
harmless='Speculative Return Stack Overflow: WARNING: See '

# machine_verdict LATE STATUS NOTE: what became of a machine that has ended, by its
# kernel log ($work/log), the messages of its emulator ($work/messages) and, if it
# was late, where it was ($work/registers). LATE is 124 if the time limit was reached,
# STATUS what the command returned, empty if it didn't, NOTE says how the emulator
# ended. Returns STATUS, or exits.
machine_verdict()
{
	local late=$1 status=$2 note=$3 first from

	# Where the kernel was when it ran out of memory, or panicked, is no news if a test meant it to.
	tr -d '\r' <"$work/log" |
		sed '/selftest-oom: meant/,/selftest-oom: over/{/invoked oom-killer/,/Killed process/s/Call Trace:/Call trace:/}
			/selftest-panic: meant/,/Linux version/{s/Kernel panic .* sysrq triggered crash/kernel panic/;s/Call Trace:/Call trace:/}' \
		>"$work/log.clean"
	[ -z "$log" ] || cp "$work/log.clean" "$log"
	first=$(grep -nE "$bad" "$work/log.clean" | grep -vE -m 1 "$harmless" | cut -d : -f 1)
	if [ -n "$first" ]; then
		echo "$me: MACHINE FAILURE: the kernel log (of $version) has a warning, from line $first on:" >&2
		from=$((first > 3 ? first - 3 : 1))
		sed -n "$from,$((first + 50))p" "$work/log.clean" | quote
	fi
	if [ -z "$first" ] && { [ "$late" = 124 ] || [ -z "$status" ]; }; then
		echo "$me: the end of the kernel log:" >&2
		tail -n 30 "$work/log.clean" | quote
	fi
	if [ "$late" = 124 ]; then
		echo "$me: TIME LIMIT of $timeout s reached; the machine was at:" >&2
		quote <"$work/registers"
		exit $EX_TIMEOUT
	fi
	if [ -z "$status" ]; then
		echo "$me: MACHINE FAILURE: it ended before the command did ($note)" >&2
		quote <"$work/messages"
		exit $EX_MACHINE
	fi
	if [ -n "$first" ]; then
		echo "$me: the command had returned $status; the log in full: --log FILE" >&2
		exit $EX_MACHINE
	fi
	return "$status"
}
