/* The part of embla.h about files: what they hold, the formats that there are, lists of files. Its conventions hold. */
#ifndef EMBLA_IO_H
#define EMBLA_IO_H

/* ---- what a file holds --------------------------------------------------------------------------------- */

/* Named values in order: what a reader gives and a writer takes. */
typedef struct em_content em_content;

typedef enum em_value_kind { EM_VALUE_TENSOR, EM_VALUE_VOCAB, EM_VALUE_STRINGS, EM_VALUE_BYTES } em_value_kind;

typedef struct em_value {
    em_value_kind kind;
    em_tensor *tensor;          /* of the kind's pointers one is set */
    em_vocab *vocab;
    em_strings *strings;
    const char *bytes;
    size_t length;              /* of the bytes */
} em_value;

em_status em_content_new(em_content **out);
void em_content_release(em_content *c);         /* null is fine */

/* Adds a value under a name (UTF-8), which is copied, as bytes are; of the others a reference is kept.
 * Fails: EM_EVALUE, where the name is there already; EM_ENOMEM. */
em_status em_content_add(em_content *c, const char *name, const em_value *value);

int64_t em_content_count(const em_content *c);
const char *em_content_name(const em_content *c, int64_t at);                   /* lent, as what follows */
const em_value *em_content_at(const em_content *c, int64_t at);
const em_value *em_content_find(const em_content *c, const char *name);         /* null if there is none */

/* ---- formats --------------------------------------------------------------------------------------------- */

/* Options of a reader or a writer: a struct of its own. */
typedef struct em_options {
    const em_field *fields;     /* null: none */
    const void *initial;        /* the struct with its defaults */
    size_t size;                /* at most EM_MAX_OPTIONS */
} em_options;
enum { EM_MAX_OPTIONS = 512 };

/* A format of files. Readers distrust what they read: whatever bytes there are, they are an error or what a strict
 * reader makes of them; memory stays within twice the file and 16 MB. Writers write all of the file or leave the old.
 *   fails  EM_EIO with the path; EM_EFORMAT with path and byte, or line and column; EM_ENOMEM, EM_EINTERRUPT */
typedef struct em_format {
    const char *name;           /* scripts know it as embla.io.<name> */
    const char *doc;
    bool (*recognize)(const unsigned char *first, size_t n);    /* by the first bytes of a file; null: not to be told */
    em_options reading, writing;
    em_status (*read)(em_content **out, const char *path, const void *options);
    em_status (*write)(const char *path, const em_content *content, const void *options);   /* null: none */
} em_format;

int em_format_count(void);
const em_format *em_format_at(int index);
const em_format *em_format_find(const char *name);              /* null if there is none */

/* The format of a file by its first bytes, unpacked if gzip has packed them; null: none that is known. Fails: EM_EIO
 * with the path; EM_EFORMAT where the packed bytes are damaged. */
em_status em_format_recognize(const em_format **out, const char *path);

/* ---- JSON -------------------------------------------------------------------------------------------------- */

/* One value of JSON: a json_t of jansson, to be read with its functions. Integers beyond int64 are reals.
 *   where   leads messages, which tell line and column: a path, or the name of a function
 *   line    number of the text's first line
 *   fails   EM_EFORMAT, EM_ENOMEM */
typedef struct json_t em_json;
em_status em_json_decode(em_json **out, const char *text, size_t n, const char *where, int64_t line);
void em_json_release(em_json *j);               /* null is fine */

/* ---- lines ------------------------------------------------------------------------------------------------- */

/* The lines of a file of text, one after the other, of which only one is in memory. A line ends with \n or \r\n, the
 * last one also with the file.
 *   next   text lent until the next call, null behind the last line */
typedef struct em_lines em_lines;
em_status em_lines_open(em_lines **out, const char *path);
em_status em_lines_next(em_lines *l, const char **text, size_t *n);
void em_lines_release(em_lines *l);             /* null is fine */

/* ---- lists of files -------------------------------------------------------------------------------------- */

/* Regular files in a folder and, if `deep`, in those below it, whose names end in `suffix` ("" for all), in order of
 * their paths' bytes. Symbolic links are not followed. EM_EIO with the path of a folder that cannot be read. */
typedef struct em_files em_files;
em_status em_files_list(em_files **out, const char *folder, const char *suffix, bool deep);
int64_t em_files_count(const em_files *f);
const char *em_files_path(const em_files *f, int64_t at);       /* lent */
void em_files_release(em_files *f);             /* null is fine */

/* A file that grows at its end: records of what happens, one after the other. It is made if it is not there; a folder,
 * a pipe and a socket are EM_EIO, as what the system refuses is, with the path and the reason.
 *   size     bytes that are there, of a regular file; 0 for a device
 *   cut      leaves the first `size` bytes
 *   write    puts all the bytes at the end at once, for other programs to see; of a write that fails nothing stays,
 *            unless somebody else has written behind it
 *   sync     waits until they are on the disk
 *   release  closes it; null is fine. Close before, for what closing may report: afterwards all others are EM_EIO */
typedef struct em_appender em_appender;
em_status em_appender_open(em_appender **out, const char *path);
em_status em_appender_size(const em_appender *a, int64_t *size);
em_status em_appender_cut(em_appender *a, int64_t size);
em_status em_appender_write(em_appender *a, const void *bytes, size_t n);
em_status em_appender_sync(em_appender *a);
em_status em_appender_close(em_appender *a);
void em_appender_release(em_appender *a);

/* A file in one piece: read, or written whole or not at all. EM_EIO with the path. */
typedef struct em_bytes em_bytes;
em_status em_bytes_read(em_bytes **out, const char *path);
const char *em_bytes_data(const em_bytes *b);   /* lent; null if there are none */
size_t em_bytes_size(const em_bytes *b);
void em_bytes_release(em_bytes *b);             /* null is fine */
em_status em_bytes_write(const char *path, const void *bytes, size_t n);

/* Makes a folder, with those above it that are missing; one that is there is fine. EM_EIO with the path that cannot be
 * made: no folder, say, but a file. */
em_status em_make_folder(const char *path);

/* Removes a file; one that is not there is fine. EM_EIO with the path. */
em_status em_remove_file(const char *path);

#endif
