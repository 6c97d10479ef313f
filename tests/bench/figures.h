/* SPDX-License-Identifier: Apache-2.0 */
/* Figures of benchmarks. */
#ifndef CFD_BENCH_FIGURES_H
#define CFD_BENCH_FIGURES_H

#include <stdlib.h>
#include <time.h>

/* Milliseconds of a clock (clock_gettime(2)). */
static inline double milliseconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static inline int compare_figures(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts them. */
static inline double median(double *values, int count)
{
	qsort(values, (size_t)count, sizeof(*values), compare_figures);
	return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

#endif
