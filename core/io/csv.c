/* Comma-separated values: columns by name, each a tensor (rows) of int64, float64 or bool, or a column of text. */
#include "io/csv.h"

#include "io/format.h"

static const em_field reading_fields[] = {
    {{"sep", EM_OPT_TEXT, "", "",
      "between cells; ' ' is any run of blanks; left out: found out among , ; tab | and blank"},
     EM_FIELD(em__csv_reading, sep)},
    {{"header", EM_OPT_ENUM, "auto", "auto false true", "the first row has names; left out: found out"},
     EM_FIELD(em__csv_reading, header)},
    {{"columns", EM_OPT_TEXTS, "", "", "those to read, by name or by number from 1, in the order wanted"},
     EM_FIELD(em__csv_reading, columns)},
    {{"typed", EM_OPT_TEXTS, "", "", "columns whose types are given"}, EM_FIELD(em__csv_reading, typed)},
    {{"types", EM_OPT_TEXTS, "", "", "column = 'number', 'integer', 'boolean' or 'text'; others are found out"},
     EM_FIELD(em__csv_reading, types)},
    {{"missing", EM_OPT_TEXTS, "", "", "texts that stand for nothing"}, EM_FIELD(em__csv_reading, missing)},
    {{"quote", EM_OPT_TEXT, "\"", "", "around cells; false: none"}, EM_FIELD(em__csv_reading, quote)},
    {{"comment", EM_OPT_TEXT, "", "", "lines that begin with it are skipped"}, EM_FIELD(em__csv_reading, comment)},
    {{"skip", EM_OPT_INT, "0", ">= 0", "lines at the beginning that are passed over"},
     EM_FIELD(em__csv_reading, skip)},
    {{"limit", EM_OPT_INT, "", ">= 0", "rows at most"}, EM_FIELD(em__csv_reading, limit)},
    {{"decimal", EM_OPT_ENUM, ".", ". ,", "the point of numbers"}, EM_FIELD(em__csv_reading, decimal)},
    {{0}, 0, 0},
};
static const em_field writing_fields[] = {
    {{"sep", EM_OPT_TEXT, ",", "", "between cells"}, EM_FIELD(em__csv_writing, sep)},
    {{"header", EM_OPT_BOOL, "true", "", "a first row with the names"}, EM_FIELD(em__csv_writing, header)},
    {{"missing", EM_OPT_TEXT, "", "", "what is written for NaN and missing texts"}, EM_FIELD(em__csv_writing, missing)},
    {{0}, 0, 0},
};
static const em__csv_reading reading_initial = {.sep = "", .quote = "\"", .comment = "", .limit = -1};
static const em__csv_writing writing_initial = {",", true, ""};

const em_format EM_FORMAT(csv) = {
    .name = "csv",
    .doc = "comma-separated values: columns of numbers and of text, by name",
    .reading = {reading_fields, &reading_initial, sizeof reading_initial},
    .writing = {writing_fields, &writing_initial, sizeof writing_initial},
    .read = em__csv_read,
    .write = em__csv_write,
};
