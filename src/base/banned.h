/* banned.h - functions that have no place here; included by force (-include) in every C file of ours.
 *
 * Unbounded copies (strcpy, strcat, sprintf, vsprintf, gets), parsers that cannot report an error (atoi, atol, atof),
 * hidden state (strtok, rand, srand, localtime, gmtime, asctime, ctime), shells (system, popen), names that race
 * (mktemp, tmpnam). A call of one of them names a function that does not exist, which the compiler refuses; the names
 * themselves stay usable, because headers of libraries have parameters called `rand`. Bare fopen for writing is found
 * by tools/check_sources: only base/ writes files.
 */
#ifndef LOFI_BASE_BANNED_H
#define LOFI_BASE_BANNED_H

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The C library makes macros of some of them itself when it checks sizes. */
#undef strcpy
#undef strcat
#undef sprintf
#undef vsprintf
#undef gets
#undef atoi
#undef atol
#undef atoll
#undef atof
#undef strtok
#undef rand
#undef srand
#undef localtime
#undef gmtime
#undef asctime
#undef ctime
#undef system
#undef popen
#undef mktemp
#undef tmpnam

#define strcpy(...)    lofi_banned_strcpy(__VA_ARGS__)
#define strcat(...)    lofi_banned_strcat(__VA_ARGS__)
#define sprintf(...)   lofi_banned_sprintf(__VA_ARGS__)
#define vsprintf(...)  lofi_banned_vsprintf(__VA_ARGS__)
#define gets(...)      lofi_banned_gets(__VA_ARGS__)
#define atoi(...)      lofi_banned_atoi(__VA_ARGS__)
#define atol(...)      lofi_banned_atol(__VA_ARGS__)
#define atoll(...)     lofi_banned_atoll(__VA_ARGS__)
#define atof(...)      lofi_banned_atof(__VA_ARGS__)
#define strtok(...)    lofi_banned_strtok(__VA_ARGS__)
#define rand(...)      lofi_banned_rand(__VA_ARGS__)
#define srand(...)     lofi_banned_srand(__VA_ARGS__)
#define localtime(...) lofi_banned_localtime(__VA_ARGS__)
#define gmtime(...)    lofi_banned_gmtime(__VA_ARGS__)
#define asctime(...)   lofi_banned_asctime(__VA_ARGS__)
#define ctime(...)     lofi_banned_ctime(__VA_ARGS__)
#define system(...)    lofi_banned_system(__VA_ARGS__)
#define popen(...)     lofi_banned_popen(__VA_ARGS__)
#define mktemp(...)    lofi_banned_mktemp(__VA_ARGS__)
#define tmpnam(...)    lofi_banned_tmpnam(__VA_ARGS__)

#endif
