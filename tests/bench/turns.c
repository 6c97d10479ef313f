/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Has two servers (tests/bench/work.c) do the same in turn, A B B A A B B A ..., and compares them.
 *
 *   turns OPERATION TIMES ROUNDS A B
 *
 * A and B are paths: A.in and A.out are the FIFOs of a server. One round that is not counted comes first. Printed: the
 * median nanoseconds of one operation of each, and the median of the ratios B / A within a round.
 */
#include "tests/bench/figures.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MAX_ROUNDS = 1000 };

struct server {
	FILE *in, *out;
	double took[MAX_ROUNDS];
};

static FILE *open_end(const char *server, const char *end, const char *mode)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s.%s", server, end);
	file = fopen(path, mode);
	if (!file) {
		perror(path);
		exit(2);
	}
	return file;
}

/* The pause, some ticks of the kernel's timer long, keeps batches from falling in step with it. */
static double ask(struct server *server, const char *operation, int times)
{
	double nanoseconds;

	usleep((useconds_t)(rand() % 16000));
	fprintf(server->in, "%s %d\n", operation, times);
	fflush(server->in);
	if (fscanf(server->out, "%lf", &nanoseconds) != 1) {
		fprintf(stderr, "turns: a server is gone\n");
		exit(1);
	}
	return nanoseconds / times;
}

int main(int argc, char **argv)
{
	static struct server servers[2];
	static double ratio[MAX_ROUNDS];
	int times = argc == 6 ? atoi(argv[2]) : 0, rounds = argc == 6 ? atoi(argv[3]) : 0;

	if (times < 1 || rounds < 1 || rounds > MAX_ROUNDS) {
		fprintf(stderr, "usage: turns OPERATION TIMES ROUNDS A B\n");
		return 2;
	}
	for (int i = 0; i < 2; i++) {
		servers[i].in = open_end(argv[4 + i], "in", "we");
		servers[i].out = open_end(argv[4 + i], "out", "re");
	}
	for (int round = -1; round < rounds; round++) {
		int slot = round < 0 ? 0 : round, first = round & 1;

		servers[first].took[slot] = ask(&servers[first], argv[1], times);
		servers[!first].took[slot] = ask(&servers[!first], argv[1], times);
		ratio[slot] = servers[1].took[slot] / servers[0].took[slot];
	}
	printf("%.0f %.0f %.4f\n", median(servers[0].took, rounds), median(servers[1].took, rounds),
	       median(ratio, rounds));
	return 0;
}
