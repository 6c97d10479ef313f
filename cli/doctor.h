/* SPDX-License-Identifier: Apache-2.0 */
/* What the rows of `cofferdam doctor` share. */
#ifndef CFD_CLI_DOCTOR_H
#define CFD_CLI_DOCTOR_H

#include "lib/base.h"
#include "lib/config.h"
#include "lib/err.h"

struct cfd_doctor {
	struct cfd_config config;
	bool has_config;
	char detail[3072]; /* of the row that was looked at last */
};

/* Each row gives whether all is well, and leaves in `detail` what there is, or what to do. */
bool cfd_doctor_fail(struct cfd_doctor *doctor, const struct cfd_error *err);

/* cli/doctor_userns.c */
bool cfd_doctor_pool(struct cfd_doctor *doctor);
bool cfd_doctor_strangers(struct cfd_doctor *doctor);
bool cfd_doctor_userns(struct cfd_doctor *doctor);
bool cfd_doctor_storages(struct cfd_doctor *doctor);
bool cfd_doctor_overlay(struct cfd_doctor *doctor);

#endif
