/* SPDX-License-Identifier: Apache-2.0 */
/* What a container's record tells of its files: `cofferdam status` shows it for as long as the container is there. */
#include "shim/note.h"
#include "shim/contain.h"

#include "lib/spec/spec.h"
#include "lib/state/volumes.h"

static int note_volume(struct cfd_contain *contain, const struct cfd_idmap_mount *mount)
{
	const struct cfd_spec_mount *entry = &contain->verdict.spec.mounts[mount->index];
	struct cfd_record_volume volume = {
		.destination = (char *)entry->destination,
		.source = (char *)entry->source,
		.idmapped = mount->idmapped,
		.read_only = cfd_spec_mount_has_option(entry, "ro") || cfd_spec_mount_has_option(entry, "rro"),
	};

	return cfd_volumes_add(&contain->record, &volume);
}

int cfd_note_files(struct cfd_contain *contain, struct cfd_error *err)
{
	const struct cfd_idmap_result *files = &contain->files;
	int r = cfd_string_replace(&contain->record.layers, files->layers);

	for (size_t i = 0; !r && i < files->mount_count; i++)
		if (!files->mounts[i].clear_type)
			r = note_volume(contain, &files->mounts[i]);
	return r ? cfd_fail_memory(err, "the record") : 0;
}
