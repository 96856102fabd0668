/* A file format: one constant a file, EM_FORMAT(name), listed in formats.def. To add one, see CONTRIBUTING.md. */
#ifndef EM_IO_FORMAT_H
#define EM_IO_FORMAT_H

#include "embla.h"
#include "base/status.h"

#define EM_FORMAT(name) em_format_##name

#endif
