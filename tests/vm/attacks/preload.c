/* SPDX-License-Identifier: Apache-2.0 */
/* A library that does something as soon as it is loaded: built as preload.so. */
#include "tests/vm/attacks/attack.h"

#include <unistd.h>

__attribute__((constructor)) static void show(void)
{
	if (write(STDOUT_FILENO, ATTACK_EFFECT "\n", sizeof(ATTACK_EFFECT)) < 0)
		_exit(1);
}
