/* report.h - a page about sound files: what was measured of each, its verdict, its wave and its spectrum.
 *
 * One HTML file with everything in it, pictures too (about 40 KB a file): it opens without a network and can be passed on.
 */
#ifndef LOFI_AUDIO_REPORT_H
#define LOFI_AUDIO_REPORT_H

#include "audio/process.h"
#include "base/error.h"
#include "base/log.h"

/* Decodes the files once more for their pictures, in worker processes; of those that cannot be decoded there are none. Whole or
 * not at all. */
lofi_code lofi_audio_report_write(const char *path, const lofi_process_report *report,
                                  const lofi_process_options *options, lofi_log *log, lofi_error *err) LOFI_MUST_USE;

#endif
