/* SPDX-License-Identifier: Apache-2.0 */
/* Who is this container: references, and every engine's records in trees like those that the engines make. */
#include "lib/image.h"
#include "tests/unit/tree.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

Test(image, references_are_brought_to_their_full_form)
{
	static const struct {
		const char *reference, *name;
	} cases[] = {
		{"nginx", "docker.io/library/nginx:latest"},
		{"nginx:1.27", "docker.io/library/nginx:1.27"},
		{"team/app", "docker.io/team/app:latest"},
		{"docker.io/nginx", "docker.io/library/nginx:latest"},
		{"index.docker.io/nginx:1", "docker.io/library/nginx:1"},
		{"docker.io/library/nginx:1", "docker.io/library/nginx:1"},
		{"quay.io/nginx", "quay.io/nginx:latest"},
		{"localhost/app", "localhost/app:latest"},
		{"localhost:5000/app:1", "localhost:5000/app:1"},
		{"registry:5000/a/b/c:V1_x-y.z", "registry:5000/a/b/c:V1_x-y.z"},
		{"[2001:db8::1]:5000/app", "[2001:db8::1]:5000/app:latest"},
		{"Registry/app", "Registry/app:latest"},
		{"10.0.0.1/app", "10.0.0.1/app:latest"},
		{"nginx:5000", "docker.io/library/nginx:5000"},
		{"a__b/c--d/e.f", "docker.io/a__b/c--d/e.f:latest"},
		{"nginx@sha256:" HEX_A, "docker.io/library/nginx@sha256:" HEX_A},
		/* The tag beside a digest is only somebody's word. */
		{"quay.io/a/nginx:1.27@sha256:" HEX_A, "quay.io/a/nginx@sha256:" HEX_A},
	};

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		CFD_AUTO_FREE char *name = NULL;
		struct cfd_error err = {0};

		cr_expect_eq(cfd_image_normalise(cases[i].reference, &name, &err), 0, "%s: %s", cases[i].reference,
			     err.message);
		cr_expect_str_eq(name ? name : "", cases[i].name);
	}
}

Test(image, what_is_no_reference_is_refused)
{
	static const char *const cases[] = {
		"",
		" nginx",
		"nginx ",
		"Nginx",
		"quay.io/Team/app",
		"nginx:",
		"nginx:-1",
		"nginx:.1",
		"nginx@",
		"nginx@sha256:abc",
		"nginx@sha256:" HEX_A "0",
		"nginx@md5:" HEX_A,
		HEX_A,
		"a//b",
		"/a",
		"a/",
		"a/../b",
		"-a",
		"a-",
		"a___b",
		"a..b",
		"a_.b",
		".io/a",
		"a.-b.io/x",
		"-a.io/x",
		"a..io/x",
		"quay.io:/a",
		"quay.io:x/a",
		"[::1/a",
		"[]/a",
		"a\nb",
		"a:b:c",
		"nginx:1.27@sha256:" HEX_A "@sha256:" HEX_A,
		"sha256:" HEX_A,
		"\xc3\xa9",
	};
	char tag[160] = "nginx:", name[320];

	for (size_t i = 0; i < CFD_COUNT(cases); i++) {
		char *normal = NULL;
		struct cfd_error err = {0};

		cr_expect_eq(cfd_image_normalise(cases[i], &normal, &err), -EINVAL, "%s: %s", cases[i], normal);
		cr_expect_null(normal);
		cr_expect(cfd_starts_with(err.message, "image \""), "%s", err.message);
	}
	for (size_t length = 128; length <= 129; length++) {
		CFD_AUTO_FREE char *normal = NULL;
		struct cfd_error err;

		memset(tag + 6, 'x', length);
		tag[6 + length] = '\0';
		cr_expect_eq(cfd_image_normalise(tag, &normal, &err), length == 128 ? 0 : -EINVAL);
	}
	for (size_t length = 237; length <= 238; length++) { /* 255 with docker.io/library/ */
		CFD_AUTO_FREE char *normal = NULL;
		struct cfd_error err;

		memset(name, 'x', length);
		name[length] = '\0';
		cr_expect_eq(cfd_image_normalise(name, &normal, &err), length == 237 ? 0 : -EINVAL);
	}
}
