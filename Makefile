# SPDX-License-Identifier: GPL-2.0
#
# The top of the tree: this file only recurses. Kbuild, beside it, says what the
# module is made of; userspace/, libos/ and selftests/ have Makefiles of their own.
#
#   make help    the targets
#
# KERNEL=VERSION picks the kernel to build for and to test on (6.12, say: one that
# tools/kernel has fetched, or one that is installed); else it is the running one
# or, where that has no headers, the newest one that has.

PREFIX ?= /usr
DESTDIR ?=
export PREFIX

newest = $(notdir $(patsubst %/build,%,$(lastword $(shell ls -d /lib/modules/*/build 2>/dev/null | sort -V))))

ifdef KERNEL
KDIR := $(shell tools/kernel --build-dir $(KERNEL))
ifeq ($(KDIR),)
$(error KERNEL=$(KERNEL): no headers for it; install them, or fetch it with tools/kernel $(KERNEL))
endif
KVER := $(notdir $(patsubst %/build,%,$(shell tools/kernel --modules-dir $(KERNEL))))
else
running := $(shell uname -r)
KVER ?= $(if $(wildcard /lib/modules/$(running)/build),$(running),$(newest))
KDIR ?= /lib/modules/$(KVER)/build
endif

# What the test machine boots: the kernel that the module is built for.
VM := tools/vm --kernel $(or $(KERNEL),$(KVER))
VMFLAGS ?=
# Arguments of selftests/run_kselftest.sh, as -t NAME
TESTARGS ?=
TEST_TIMEOUT ?= 2000
SWEEPARGS ?=
SWEEP_TIMEOUT ?= 14400
FUZZARGS ?= --seconds 3600
SCALEARGS ?=
FUZZ_TIMEOUT ?= 7200
BOCHS_TIMEOUT ?= 800
BOCHSFLAGS ?=

# debugfs, which tests look into and users don't need; see Kbuild.
test test-debug coverage: export CONFIG_DENALI_DEBUG := y

all: kmod libos userspace

help:
	@echo 'make             build the module, the guests and the tools'
	@echo 'make demo        build, then show a web-server VM on a bridge, in the test machine'
	@echo 'make test        build, then run the self-tests in the test machine;'
	@echo '                 TESTARGS="-t NAME" picks some, VMFLAGS is for tools/vm'
	@echo 'make test-debug  the same on a kernel with KASAN, lockdep, kmemleak and the like'
	@echo 'make coverage    the same, and which lines of the module were reached'
	@echo 'make test-sweep  every instruction, executed by a VM (half an hour, or some);'
	@echo '                 SWEEPARGS="--from N" goes on from a case'
	@echo 'make test-fuzz   requests and guests made up at random, on the debug kernel (an hour);'
	@echo '                 FUZZARGS="--seconds N"'
	@echo 'make test-bochs  the tests of what a guest must not reach, under Bochs, which checks'
	@echo '                 segment limits and alignment; BOCHSFLAGS is for tools/bochs'
	@echo 'make test-bochs-cet  some of them with IBT on, beside shadow stacks (Debian 12'"'"'s backported kernel)'
	@echo 'make bench       print and keep the measurements'
	@echo 'make bench-scale the same with up to 10,000 VMs, with plots in Documentation/scale (half an'
	@echo '                 hour); SCALEARGS="--vms N PART..." for fewer and for some'
	@echo 'make check       style: checkpatch, sparse, W=1, SPDX, shellcheck, documents'
	@echo 'make install     install all of it (DESTDIR, PREFIX); make uninstall takes it back'
	@echo 'make clean       remove what was built'
	@echo 'make deps        install the Debian packages that are missing'
	@echo 'KERNEL=6.12      build for, and test on, this kernel (see tools/kernel)'
	@echo
	@echo 'This module is for kernel: $(or $(KVER),none: no headers found)'

deps:
	tools/deps build test

# What Kbuild makes here. Its own "clean" goes through all of the tree and would take
# the objects and libraries of libos, userspace and selftests along.
KBUILD_FILES := *.o .*.o *.ko *.mod *.mod.c modules.order Module.symvers .*.cmd kmod/*.o kmod/.*.cmd kmod/*.gcno

# Objects of another kernel's build would be taken for this one's.
kmod:
	@tools/deps --tell build
	@[ -d "$(KDIR)" ] || { echo "no kernel headers in $(KDIR): install them, or name them with KDIR=" >&2; exit 1; }
	@if [ -e .kdir ] && [ "$$(cat .kdir)" != "$(strip $(KDIR) $(KVER) $(CONFIG_DENALI_COVERAGE))" ]; then rm -f $(KBUILD_FILES); fi
	@echo "$(strip $(KDIR) $(KVER) $(CONFIG_DENALI_COVERAGE))" >.kdir
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

libos:
	@tools/deps --tell build
	$(MAKE) -C libos all

userspace:
	@tools/deps --tell build
	$(MAKE) -C userspace all

selftests: libos userspace
	$(MAKE) -C selftests all

demo: deps
	$(MAKE) all
	$(VM) $(VMFLAGS) --timeout 300 tools/demo

test: deps
	$(MAKE) all selftests
	tools/run-tests --kernel $(or $(KERNEL),$(KVER)) --timeout $(TEST_TIMEOUT) $(VMFLAGS) -- $(TESTARGS)

test-debug: deps
	tools/debug-kernel
	$(MAKE) KERNEL=debug all selftests
	tools/run-debug --timeout 7200 $(VMFLAGS) -- $(TESTARGS)

coverage: deps
	tools/debug-kernel
	$(MAKE) KERNEL=debug CONFIG_DENALI_COVERAGE=y all selftests
	tools/run-debug --coverage --timeout 7200 $(VMFLAGS) -- $(TESTARGS)

test-sweep: deps
	$(MAKE) all selftests
	$(VM) --timeout $(SWEEP_TIMEOUT) $(VMFLAGS) -- selftests/build/denali/sweep.sh --all $(SWEEPARGS)

# By what code it reaches, for an hour.
test-fuzz: deps
	tools/debug-kernel
	$(MAKE) KERNEL=debug CONFIG_DENALI_DEBUG=y CONFIG_DENALI_COVERAGE=y all selftests
	DENALI_TIMEOUT_FACTOR=5 tools/vm --kernel debug --memory 4G --frozen 900 --timeout $(FUZZ_TIMEOUT) $(VMFLAGS) \
		selftests/build/denali/fuzz.sh $(FUZZARGS)

# Some three minutes on a computer that is otherwise idle.
test-bochs:
	tools/deps build bochs
	$(MAKE) kmod selftests
	tools/run-bochs --kernel $(or $(KERNEL),$(KVER)) --timeout $(BOCHS_TIMEOUT) $(BOCHSFLAGS)

# IBT and shadow stacks need a kernel that uses them, and a CPU that has them.
CET_KERNEL ?= 6.12
CET_TESTS ?= exception hypercall hostile hostile_ring fpu secrets

test-bochs-cet:
	tools/deps build bochs
	$(MAKE) KERNEL=$(CET_KERNEL) kmod selftests
	tools/run-bochs --kernel $(CET_KERNEL) --cpu tigerlake --timeout $(BOCHS_TIMEOUT) $(BOCHSFLAGS) -- $(CET_TESTS)

bench: deps
	tools/deps bochs
	$(MAKE) all
	KERNEL=$(or $(KERNEL),$(KVER)) selftests/bench/run

# Tables and plots are part of the documents. One of its guests is the self-tests'.
bench-scale: deps
	tools/deps plots
	$(MAKE) all selftests
	KERNEL=$(or $(KERNEL),$(KVER)) selftests/bench/run-scale $(SCALEARGS)

check:
	tools/deps check
	tools/check

install: all
	$(MAKE) -C $(KDIR) M=$(CURDIR) INSTALL_MOD_PATH=$(DESTDIR) INSTALL_MOD_DIR=updates DEPMOD=true \
		CONFIG_MODULE_SIG_ALL= modules_install
	$(MAKE) -C libos install DESTDIR=$(DESTDIR)
	$(MAKE) -C userspace install DESTDIR=$(DESTDIR)
	@[ -n "$(DESTDIR)" ] || tools/post-install $(KVER)

# What would be installed is what is to go.
uninstall:
	tools/uninstall $(MAKE) KVER=$(KVER)

clean:
	rm -f $(KBUILD_FILES)
	$(MAKE) -C libos clean
	$(MAKE) -C userspace clean
	$(MAKE) -C selftests clean
	rm -f .kdir

.PHONY: all help deps kmod libos userspace selftests demo test test-debug test-bochs test-bochs-cet test-sweep test-fuzz coverage bench bench-scale check install uninstall clean
# Everything below the top decides for itself what it can do at once; kbuild, the
# guests and the tests of this level need one another.
.NOTPARALLEL:
