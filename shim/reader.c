/* SPDX-License-Identifier: Apache-2.0 */
/* Which version of which runtime will read config.json? */
#include "shim/reader.h"

#include "shim/contain.h"
#include "shim/launch.h"

#include "lib/spec/readers.h"

int cfd_reader_ask(const char *runtime, struct cfd_reader *ret_reader, struct cfd_error *err)
{
	char text[128];
	int r = cfd_launch_ask(runtime, "--version", text, sizeof(text), err);

	if (!r)
		*ret_reader = cfd_reader_parse(text);
	return r;
}

int cfd_reader_fit_config(struct cfd_contain *contain, struct cfd_error *err)
{
	CFD_AUTO_BUF struct cfd_buf list = {0};
	struct cfd_reader reader;
	int r;

	if (!cfd_reader_matters(&contain->verdict.spec))
		return 0;
	r = cfd_reader_ask(contain->runtime, &reader, err);
	if (!r)
		r = cfd_reader_fit(&contain->verdict.spec, &reader, &list, err);
	if (!r && list.length)
		r = cfd_contain_notice(contain, err, "removed from config.json, as %s would ignore it: %s",
				       contain->runtime, list.data);
	return r;
}
