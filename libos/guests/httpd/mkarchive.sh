#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# mkarchive.sh DIR: print assembly that links all files below DIR into an image,
# with the sorted table that files.c looks them up in. Works for 32 and 64 bit.
set -eu
export LC_ALL=C

dir=$(cd "$1" && pwd)

cat <<'END'
#ifdef __LP64__
#define WORD .quad
#define ALIGN 8
#else
#define WORD .long
#define ALIGN 4
#endif
	.section .note.GNU-stack, "", @progbits
	.data
	.balign ALIGN
	.globl httpd_files
httpd_files:
END

list=$(cd "$dir" && find . -type f | sed 's|^\.||' | sort)
i=0
for f in $list; do
	echo "	WORD path$i, data$i, etag$i, $(($(wc -c <"$dir$f")))"
	i=$((i + 1))
done
cat <<END
	.globl httpd_files_count
httpd_files_count:
	WORD $i
	.section .rodata
END
i=0
for f in $list; do
	case $f in
	*[!A-Za-z0-9._/-]*)
		echo "mkarchive.sh: $dir$f: a name may have letters, digits, '.', '_' and '-'" >&2
		exit 1 ;;
	esac
	sum=$(cksum <"$dir$f" | tr ' ' -)
	cat <<END
path$i:	.asciz "$f"
etag$i:	.asciz "\"$sum\""
	.balign 16
data$i:	.incbin "$dir$f"
END
	i=$((i + 1))
done
