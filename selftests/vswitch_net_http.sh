#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The web server, with the VMs on the module's own switch: net_http.sh.

DENALI_NET_SWITCH=1 exec "$(dirname "$0")/net_http.sh"
