/* SPDX-License-Identifier: Apache-2.0 */
/* Working on a container's files as its root. */
#include "lib/userns/mounter.h"

#include <errno.h>
#include <linux/securebits.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <unistd.h>

int cfd_mounter_restore(const struct cfd_mounter *mounter, struct cfd_error *err)
{
	if (mounter->securebits < 0)
		return 0;
	setfsuid(mounter->fsuid);
	setfsgid(mounter->fsgid);
	/* setfsuid() tells of no failure; asking for an id that is none returns the one in force. */
	if ((uid_t)setfsuid((uid_t)-1) != mounter->fsuid || (gid_t)setfsgid((gid_t)-1) != mounter->fsgid ||
	    prctl(PR_SET_SECUREBITS, (unsigned long)mounter->securebits, 0, 0, 0))
		return cfd_fail(err, -ENOTRECOVERABLE, "cannot take back the ids of the container's root");
	return 0;
}

int cfd_mounter_become(struct cfd_mounter *mounter, uint32_t base, bool privileged, struct cfd_error *err)
{
	int securebits = prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);

	unsigned long wanted = (unsigned long)securebits | (privileged ? SECBIT_NO_SETUID_FIXUP : 0);

	if (securebits < 0 || prctl(PR_SET_SECUREBITS, wanted, 0, 0, 0))
		return cfd_fail_errno(err, -errno, "cannot set the securebits to work as another id (CAP_SETPCAP)");
	mounter->securebits = securebits;
	mounter->fsgid = (gid_t)setfsgid(base);
	mounter->fsuid = (uid_t)setfsuid(base);
	if ((uid_t)setfsuid((uid_t)-1) != base || (gid_t)setfsgid((gid_t)-1) != base)
		return cfd_fail(err, -EPERM, "cannot set fsuid and fsgid to %u (CAP_SETUID, CAP_SETGID)", base);
	return 0;
}
