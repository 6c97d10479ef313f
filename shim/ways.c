/* SPDX-License-Identifier: Apache-2.0 */
/* What runtimes do in ways of their own. */
#include "shim/ways.h"

#include "shim/launch.h"

#include "lib/base.h"
#include "lib/json/json.h"
#include "lib/state/state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRECTORY CFD_STATE_DIR "/ways"
#define FEATURES_MAX 65536 /* runc's and crun's are below 10,000 */

// clang-format off
static const struct {
	const char *name;           /* of the link that remembers it */
	const char *const absent[5]; /* it has the way unless `features` says `true` here */
} ways[] = {
	/* runc 1.2 got both: id-mapped mounts (mountExtensions) and another order of joining namespaces. No crun needs it. */
	[CFD_WAY_USERNS_FIRST] = { "userns-first", { "linux", "mountExtensions", "idmap", "enabled" } },
};
// clang-format on

bool cfd_ways_told(enum cfd_way way, const char *features)
{
	const struct cfd_json_options options = {.name = "features"};
	CFD_AUTO(cfd_json_doc_freep) struct cfd_json_doc *doc = NULL;
	struct cfd_error ignored = {0};
	const struct cfd_json *value;

	if (cfd_json_parse(features, strlen(features), &options, &doc, &ignored))
		return true;
	value = cfd_json_root(doc);
	for (const char *const *key = ways[way].absent; value && *key; key++)
		value = cfd_json_get(value, *key);
	return !cfd_json_bool(value);
}

/* One link for each binary and way: another file under the same path is asked anew. */
static int link_of(const char *runtime, enum cfd_way way, char *link, size_t size, struct cfd_error *err)
{
	struct stat st;

	if (stat(runtime, &st))
		return cfd_fail_errno(err, -errno, "cannot find the OCI runtime %s", runtime);
	snprintf(link, size, DIRECTORY "/%s.%llx.%llx.%llx.%lx.%llx", ways[way].name, (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino, (unsigned long long)st.st_mtim.tv_sec,
		 (unsigned long)st.st_mtim.tv_nsec, (unsigned long long)st.st_size);
	return 0;
}

/* What cannot be remembered is asked for again. */
static void remember(const char *link, bool has)
{
	if (mkdir(DIRECTORY, 0700) == 0 || errno == EEXIST)
		(void)!symlink(has ? "yes" : "no", link);
}

int cfd_ways_has(const char *runtime, enum cfd_way way, bool *ret_has, struct cfd_error *err)
{
	CFD_AUTO_FREE char *features = NULL;
	char link[256], answer[4] = "";
	int r = link_of(runtime, way, link, sizeof(link), err);

	if (r)
		return r;
	if (readlink(link, answer, sizeof(answer) - 1) > 0) {
		*ret_has = !cfd_streq(answer, "no");
		return 0;
	}
	features = malloc(FEATURES_MAX);
	if (!features)
		return cfd_fail_memory(err, "what the runtime can");
	r = cfd_launch_ask(runtime, "features", features, FEATURES_MAX, err);
	if (r)
		return r;
	*ret_has = cfd_ways_told(way, features);
	remember(link, *ret_has);
	return 0;
}
