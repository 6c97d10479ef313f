/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attacks from inside a container, a row each. `attack GROUP` tries every row of a group in a process of its own and
 * prints `NAME succeeded|stopped|broken DETAIL`. An attack that does not succeed without the guard proves nothing; the
 * runner (tests/vm/attacks.sh) tries both.
 */
#ifndef CFD_ATTACK_H
#define CFD_ATTACK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define ATTACK_SECONDS 30 /* for one row; emulated processors are slow */

enum attack_outcome { /* anything else is an attack that is broken: it could not try what it is about */
		      ATTACK_SUCCEEDED = 0, /* its effect was seen: the code ran, the bytes arrived */
		      ATTACK_STOPPED = 1,   /* the kernel refused */
		      ATTACK_BROKEN = 2,
};

struct attack {
	const char *name;   /* at most 15 bytes: the process has it as its comm, so that events can be told apart */
	const char *danger; /* what it stands for */
	int (*run)(void);   /* an enum attack_outcome; in a process of its own */
	const char *kind, *reason; /* of the event that the guard must write, in the words of `cofferdam events` */
};

struct attack_group {
	const char *name;
	const struct attack *attacks;
	size_t count;
};

/* The groups, each in files of its name. */
extern const struct attack_group exec_attacks, exec_new_attacks, wx_attacks;
extern const struct attack_group tamper_attacks;
extern const struct attack_group trace_attacks; /* want a process called "traced" that they can see */
extern const struct attack_group leave_attacks; /* want the descriptor of an outer cgroup */

/* Words for the result's line, printf-like; may be called in any child of the attack. The last call stays. */
void attack_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Says what could not be done, with errno. */
int attack_broken(const char *what);

/* Says errno. */
int attack_stopped(const char *what);

/* Never returns: executes; if that is refused, says errno and ends. */
_Noreturn void attack_execute(const char *path, const char *const *argv, const char *const *envp);

/*
 * Runs `act` in a child whose standard output is read. ATTACK_SUCCEEDED when what it wrote holds `effect`, else
 * ATTACK_STOPPED: how it was stopped is in what `act` said.
 */
int attack_effect(const char *effect, void (*act)(void *data), void *data);

/*
 * Executes path with argv and expects the shell's own arithmetic in its output: argv has ATTACK_SHELL_CODE in it.
 */
#define ATTACK_SHELL_CODE "echo effect$((40+2))"
#define ATTACK_EFFECT "effect42"
int attack_shell(const char *path, const char *const *argv);

/* The same for a program that prints ATTACK_EFFECT, such as `attack effect`. */
int attack_program(const char *path);

/* No attack: a debugger of a child of its own. 0 when it works, which it must. */
int attack_trace_itself(void);

/* 0, or -1 with errno. */
int attack_copy(const char *from, const char *to);
int attack_copy_into(const char *from, int to);
int attack_write(const char *path, const char *text, mode_t mode);

#endif
