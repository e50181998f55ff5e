# SPDX-License-Identifier: GPL-2.0
#
# How a guest of this directory is built; each of them includes it, from its own
# directory, having set
#
#   SRCS    its sources
#   FLAGS   what denali-cc is told beside them

NAME := $(notdir $(CURDIR))
OUT := ../../build/guests/$(NAME)

all: $(OUT)

# Headers are named here and not found by -MD: they are few, and the image is built in one go.
$(OUT): $(SRCS) $(wildcard *.h) Makefile ../guest.mk ../../denali-cc ../../denali.ld \
		$(wildcard ../../build/sysroot/lib/*.[ao] ../../../include/denali/*.h) \
		$(wildcard ../../include/*.h ../../include/*/*.h ../../net/include/*.h ../../net/include/*/*.h)
	@mkdir -p $(@D)
	../../denali-cc -O2 -g -Wall -Wextra $(FLAGS) -o $@ $(SRCS)

clean:
	rm -rf $(OUT) ../../build/obj/$(NAME)

.PHONY: all clean
