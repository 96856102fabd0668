#include "temporary_file.h"

#include <stdio.h>
#include <unistd.h>

char path[64];

int make_path(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/embla-test-XXXXXX");
    return close(mkstemp(path));
}

int remove_path(void **state)
{
    (void)state;
    return unlink(path);
}

void put_bytes(const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}
