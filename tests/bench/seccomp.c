/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints Docker's default as engines hand it to a runtime: linux.seccomp for the capabilities that Docker gives, for
 * all architectures of the machine. Usage: bench-seccomp PROFILES-DIR
 */
#include "lib/caps.h"
#include "lib/json/json.h"
#include "lib/seccomp/seccomp.h"

#include <stdio.h>

int main(int argc, char **argv)
{
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
	CFD_AUTO_BUF struct cfd_buf buf = {0};
	struct cfd_error err = {0};
	struct cfd_seccomp_request request = {.profile = "docker-default",
					      .shipped_dir = argc > 1 ? argv[1] : ".",
					      .admin_dir = "/nonexistent",
					      .all_architectures = true,
					      .bounding = cfd_caps_engine_default};

	if (cfd_seccomp_build(&request, &doc, &err) || cfd_json_write(cfd_json_root(doc), &buf)) {
		fprintf(stderr, "bench-seccomp: %s\n", err.message);
		return 1;
	}
	puts(buf.data);
	return 0;
}
