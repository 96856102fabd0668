/* Help for the tests of files: a temporary one, empty at first. */
#ifndef EMBLA_TESTS_TEMPORARY_FILE_H
#define EMBLA_TESTS_TEMPORARY_FILE_H

#include "support.h"

extern char path[64];
int make_path(void **state);                    /* setup and teardown */
int remove_path(void **state);
#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, make_path, remove_path)

void put_bytes(const void *bytes, size_t n);    /* all that it holds */

#endif
