// SPDX-License-Identifier: GPL-2.0
/* The smallest static program that has a C library. */
int main(void)
{
	return 0;
}
