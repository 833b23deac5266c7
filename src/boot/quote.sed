# SPDX-License-Identifier: GPL-2.0-or-later
# Makes a C string literal of each line.
s/[\"]/\\&/g
s/	/\\t/g
s/^/"/
s/$/\\n"/
