/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/process.h"
#include "lib/state/state.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

Test(process, a_pid_is_not_enough_and_a_zombie_is_gone)
{
	struct cfd_process_id self = {0}, child_id = {0}, none = {0};
	struct cfd_error err = {0};
	siginfo_t info;
	pid_t child;

	cr_assert_eq(cfd_process_self(&self, &err), 0);
	cr_expect(cfd_process_lives(&self));
	self.start++;
	cr_expect_not(cfd_process_lives(&self));
	cr_expect_not(cfd_process_lives(&none));

	child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	cr_assert_eq(cfd_process_of(child, &child_id, &err), 0);
	cr_expect(cfd_process_lives(&child_id));
	kill(child, SIGKILL);
	cr_assert_eq(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
	cr_expect_not(cfd_process_lives(&child_id), "a zombie");
	cr_expect_eq(cfd_process_of(child, &child_id, &err), -ESRCH);
	waitpid(child, NULL, 0);
	cr_expect_eq(cfd_process_of(child, &child_id, &err), -ESRCH);
	cr_expect_eq(cfd_process_of(0, &child_id, &err), -EINVAL);
}
