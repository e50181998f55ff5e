#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Addresses and what guests do with them, with the VMs on the module's own switch: net_ip.sh.

DENALI_NET_SWITCH=1 exec "$(dirname "$0")/net_ip.sh"
