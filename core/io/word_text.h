/* Words as files hold them: UTF-8 without control characters of ASCII, and what becomes of others. */
#ifndef EM_IO_WORD_TEXT_H
#define EM_IO_WORD_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* What to do with a word that is no text. */
typedef enum em__word_errors {
    EM_WORD_ERROR,              /* refuse the file */
    EM_WORD_REPLACE,            /* put U+FFFD for what is wrong */
    EM_WORD_SKIP,               /* leave the word and its vector out */
} em__word_errors;

enum { EM_WORD_TEXT_MAX = 1 << 22 };    /* bytes of a word in a file */

/* What is wrong with a word, as the end of a message; null: nothing. */
const char *em__word_fault(const char *word, size_t n);

/* The word with U+FFFD for each control character and for each longest run of bytes that begins a character but does
 * not end it. `to` has room for 3 n bytes. Returns the new length. */
size_t em__word_replace(char *to, const char *word, size_t n);

#endif
