/* SPDX-License-Identifier: Apache-2.0 */
/* Where in config.json a finding is: from its JSON path to a line and a column; for lib/report only. */
#ifndef CFD_REPORT_PLACE_H
#define CFD_REPORT_PLACE_H

struct cfd_json_doc;

/*
 * The position of what the path ("mounts[7].source", `annotations["a.b"]`) names. Of what is not there (a limit that is
 * absent, a key that was removed) it is that of the nearest object around it that is; of the whole document 1:1.
 */
void cfd_report_place(const struct cfd_json_doc *doc, const char *path, unsigned *ret_line, unsigned *ret_column);

#endif
