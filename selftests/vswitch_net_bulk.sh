#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Much data, with the VMs on the module's own switch: net_bulk.sh.

DENALI_NET_SWITCH=1 exec "$(dirname "$0")/net_bulk.sh"
